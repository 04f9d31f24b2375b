// The options that several commands have. Each is declared once, so that one name has one meaning and one form everywhere.
import { Option } from 'commander';
import { append, parseCount } from './parse-values.ts';

export const sharedOptions = {
  json: () => new Option('--json', 'print the result as JSON, one object a line').default(false),
  triggers: () => new Option('--triggers <path>', 'file or folder with the manifests (MILLRACE_TRIGGERS)'),
  kubernetes: () =>
    new Option('--kubernetes', 'use a Kubernetes cluster instead of this machine').default(false),
  kubeconfig: () =>
    new Option(
      '--kubeconfig <file>',
      'kubeconfig of that cluster, where this is not a pod in it; implies --kubernetes (KUBECONFIG)',
    ),
  kafkaDir: () =>
    new Option('--kafka-dir <dir>', 'folder that keeps the records of the local Kafka for the next run'),
  partitions: () =>
    new Option('--partitions <n>', 'partitions of each topic that is created')
      .argParser(parseCount)
      .default(6),
  config: () => new Option('--config <file>', 'Kafka client properties, for TLS and SASL (KAFKA_CONFIG)'),
  gateway: () =>
    new Option(
      '--gateway <url>',
      'admin URL of a gateway; may be given several times (MILLRACE_GATEWAY_URLS)',
    )
      .argParser(append)
      .default([], 'http://127.0.0.1:9464'),
  ca: () =>
    new Option(
      '--ca <file>',
      'CA certificates that servers with TLS are verified with; may be given several times',
    )
      .argParser(append)
      .default([], 'those of Node.js'),
} as const;
