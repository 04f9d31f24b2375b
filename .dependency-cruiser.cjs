// Who may import whom. test/import-rules.test.ts proves of every rule here that it can fail.

const STAGES = 'events|filter|transform|delivery|settlement|control';
const PIPELINE_STAGES = 'events|filter|transform|delivery|settlement';
const WHO_CONNECTS = 'control|delivery|credentials|kafka';
const OURS = '^(gateway|scaler|cli)/';
const DIRTY_NODE_MODULES = 'child_process|cluster|dgram|dns|fs|http|http2|https|net|tls|worker_threads';

/** @type {import('dependency-cruiser').IConfiguration} */
module.exports = {
  forbidden: [
    {
      name: 'no-cycles',
      comment: 'The way of the data is one way.',
      severity: 'error',
      from: {},
      to: { circular: true },
    },
    {
      name: 'contract-stands-alone',
      comment: 'gateway/contract is the shared vocabulary: it imports nothing of ours.',
      severity: 'error',
      from: { path: '^gateway/contract/' },
      to: { path: OURS, pathNot: '^gateway/contract/' },
    },
    {
      name: 'contract-is-pure',
      comment: 'gateway/contract is types and pure functions: no I/O.',
      severity: 'error',
      // Of node:net it takes what knows addresses, and opens no socket.
      from: { path: '^gateway/contract/', pathNot: '^gateway/contract/tenant-address\\.ts$' },
      to: { dependencyTypes: ['core'], path: `^(node:)?(${DIRTY_NODE_MODULES})(/|$)` },
    },
    {
      name: 'stages-import-only-the-contract',
      comment:
        'A stage imports gateway/contract, gateway/network and its own folder; gateway/pipeline composes stages.',
      severity: 'error',
      from: { path: `^gateway/(${STAGES})/` },
      to: { path: OURS, pathNot: '^gateway/(contract|network|$1)/' },
    },
    {
      name: 'admin-imports-only-the-contract-and-doors',
      severity: 'error',
      from: { path: '^gateway/admin/' },
      to: { path: OURS, pathNot: '^gateway/(admin|contract|doors)/' },
    },
    {
      name: 'network-imports-only-the-contract',
      comment: 'Which addresses may be connected to is looked up and judged in one place.',
      severity: 'error',
      from: { path: '^gateway/network/' },
      to: { path: OURS, pathNot: '^gateway/(contract|network)/' },
    },
    {
      name: 'network-is-for-who-connects',
      comment: 'Who connects goes by it; the pipeline hands a guard on; the planes make one.',
      severity: 'error',
      from: {
        path: OURS,
        pathNot: `^(gateway/(network|${WHO_CONNECTS}|pipeline)/|(gateway|scaler)/main\\.ts$|cli/)`,
      },
      to: { path: '^gateway/network/' },
    },
    {
      name: 'credentials-import-only-the-contract-and-network',
      comment: 'What is shown to Kafka and to functions is read and kept current in one place.',
      severity: 'error',
      from: { path: '^gateway/credentials/' },
      to: { path: OURS, pathNot: '^gateway/(contract|credentials|network)/' },
    },
    {
      name: 'kafka-imports-only-what-connects',
      severity: 'error',
      from: { path: '^gateway/kafka/' },
      to: { path: OURS, pathNot: '^gateway/(contract|credentials|kafka|network)/' },
    },
    {
      name: 'kubernetes-imports-only-the-contract',
      severity: 'error',
      from: { path: '^gateway/kubernetes/' },
      to: { path: OURS, pathNot: '^gateway/(contract|kubernetes)/' },
    },
    {
      name: 'doors-import-only-the-contract',
      comment: 'Who comes to a port is asked in one way, in both planes.',
      severity: 'error',
      from: { path: '^gateway/doors/' },
      to: { path: OURS, pathNot: '^gateway/(contract|doors)/' },
    },
    {
      name: 'pipeline-composes-stages',
      comment:
        'The pipeline knows the stages and the ports; Kafka, Kubernetes, control and admin are handed to it by main.ts.',
      severity: 'error',
      from: { path: '^gateway/pipeline/' },
      to: { path: OURS, pathNot: `^gateway/(contract|network|pipeline|${PIPELINE_STAGES})/` },
    },
    {
      name: 'only-main-composes',
      comment: 'Of the files at the root of a plane, only main.ts imports its folders.',
      severity: 'error',
      from: { path: '^gateway/[^/]+\\.ts$', pathNot: '^gateway/main\\.ts$' },
      to: { path: OURS, pathNot: '^gateway/(contract/|[^/]+\\.ts$)' },
    },
    {
      name: 'nobody-imports-main',
      comment: 'A main.ts is the root of its composition; the cli may start one.',
      severity: 'error',
      from: { path: OURS, pathNot: '^cli/' },
      to: { path: '^(gateway|scaler)/main\\.ts$' },
    },
    {
      name: 'gateway-knows-no-scaler',
      severity: 'error',
      from: { path: '^gateway/' },
      to: { path: '^scaler/' },
    },
    {
      name: 'scaler-shares-contract-connections-and-doors',
      comment:
        'The planes share no memory: of the gateway, the scaler has the vocabulary, the ways to Kafka and Kubernetes, and the doors.',
      severity: 'error',
      from: { path: '^scaler/' },
      to: { path: '^gateway/', pathNot: '^gateway/(contract|doors|kafka|kubernetes|network)/' },
    },
    {
      name: 'nobody-imports-the-cli',
      severity: 'error',
      from: { pathNot: '^(cli|test|\\.build)/' },
      to: { path: '^cli/' },
    },
    {
      name: 'nobody-imports-tests',
      comment: 'What runs the tests may start what they share.',
      severity: 'error',
      from: { pathNot: '^(test|\\.build)/' },
      to: { path: '^test/' },
    },
    {
      name: 'only-gateway-kafka-knows-the-client',
      comment: 'Tests may, as an oracle of their own.',
      severity: 'error',
      from: { pathNot: '^(gateway/kafka|test)/' },
      to: { path: '(^|/)node_modules/kafkajs/' },
    },
    {
      name: 'only-gateway-kubernetes-knows-the-client',
      severity: 'error',
      from: { pathNot: '^gateway/kubernetes/' },
      to: { path: '(^|/)node_modules/@kubernetes/client-node/' },
    },
    {
      name: 'only-admin-serves-and-measures',
      comment:
        'Stages emit typed events; metrics and the admin server listen to them. How a port is opened is the doors’ to say.',
      severity: 'error',
      from: { pathNot: '^(gateway/doors/|(gateway|scaler)/admin/|test/|[.]build/)' },
      to: { path: '(^|/)node_modules/(fastify|@fastify/[^/]+|prom-client)/' },
    },
    {
      name: 'no-dev-dependency-at-run-time',
      comment: 'Who installs the package has only its dependencies.',
      severity: 'error',
      from: { path: OURS },
      to: {
        dependencyTypes: ['npm-dev'],
        dependencyTypesNot: ['type-only'],
        pathNot: 'node_modules/@types/',
      },
    },
    {
      name: 'everything-resolves',
      severity: 'error',
      from: {},
      to: { couldNotResolve: true },
    },
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    exclude: { path: '^(dist|test/fixtures/import-rules)/' },
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.json' },
    enhancedResolveOptions: {
      conditionNames: ['import', 'node', 'default', 'types'],
      extensions: ['.ts', '.js', '.mjs', '.cjs', '.json'],
      exportsFields: ['exports'],
    },
    cache: false,
  },
};
