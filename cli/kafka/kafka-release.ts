// Which Apache Kafka is installed and started: the newest that we support, unless a test asks for another.

import { fileURLToPath } from 'node:url';

export type KafkaRelease = {
  /** A pom.xml that names Kafka, and what it logs with, as dependencies. */
  pomPath: string;
  /** What a single broker's quorum of controllers is. Before Kafka 3.9, it can only be named in the configuration. */
  quorum: 'dynamic' | 'static';
};

/** A release with the JVM that runs it. */
export type InstalledJars = {
  release: KafkaRelease;
  javaPath: string;
  /** Every jar, in a fixed order, because the class archive depends on the order. */
  classPath: string;
};

export const newestRelease: KafkaRelease = {
  pomPath: fileURLToPath(new URL('pom.xml', import.meta.url)),
  quorum: 'dynamic',
};
