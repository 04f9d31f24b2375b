// The rooms of the tree: what each holds, and which others it may import. The import rules, the README of each room and the picture in
// docs/architecture.md are all made of this table, so that none of them can lie.
//
// `imports` names rooms, each with all that is below it; a room may always import itself. A room without `imports` goes by those of the room
// that it is in. `packages` are those that only some rooms may import.

/** @type {Record<string, { owns: string, imports?: readonly string[] }>} */
const rooms = {
  core: { owns: 'What every process shares. It has no process of its own, and knows no plane.' },
  'core/contract': {
    owns: 'The vocabulary and the ports: records, events, subscriptions, settlements, progress marks, errors, callers. Types and pure functions, no I/O.',
    imports: [],
  },
  'core/contract/marks': {
    owns: 'Progress marks: what is settled beyond the committed offset, as text in the metadata of a commit, and the log that it is true of.',
  },
  'core/resources': {
    owns: 'What users write: Trigger, KafkaCluster and annotations, and the Subscription that they mean.',
    imports: ['core/contract', 'core/network'],
  },
  'core/resources/schema': {
    owns: 'The one table of fields, from which validation, messages, CRDs and the reference are made.',
  },
  'core/resources/validation': {
    owns: 'What must hold of a resource, and how a mistake in it is put into words.',
  },
  'core/resources/manifests': {
    owns: 'Files of YAML: read, watched, and made into subscriptions, secrets and problems.',
  },
  'core/expressions': {
    owns: 'The languages that filters are written in, CESQL and CEL.',
    imports: ['core/contract'],
  },
  'core/expressions/cel': { owns: 'CEL over an event and its payload, with a meter on what it costs.' },
  'core/expressions/cesql': { owns: 'CloudEvents SQL: tokens, syntax tree, evaluation.' },
  'core/network': {
    owns: 'Which of the addresses that tenants name may be connected to, how fast peers may be asked, and why a TLS handshake failed.',
    imports: ['core/contract'],
  },
  'core/credentials': {
    owns: 'What we show to brokers, functions and scalers: Secrets, certificates and tokens, kept current while they rotate.',
    imports: ['core/contract', 'core/network'],
  },
  'core/kafka': {
    owns: 'Kafka, from the bytes of a broker to records, and from settlements to commits. The only room that imports a Kafka client.',
    imports: ['core/contract', 'core/credentials', 'core/network'],
  },
  'core/kafka/administration': {
    owns: 'kafkajs, for what its public interface does well at the command line: topics, and `send`. Nothing that gateway or scaler run.',
  },
  'core/kafka/connection': {
    owns: 'Connections to the brokers of a cluster by login and lane, their limits and their renewal; which broker leads or coordinates what; the clusters that are open.',
  },
  'core/kafka/connection/security': {
    owns: 'Who we are to the brokers of a cluster, how connections to them are secured, and why one is refused.',
  },
  'core/kafka/connection/socket': {
    owns: 'One connection to one broker: TCP, TLS, SASL, frames, and answers in the order of their requests.',
  },
  'core/kafka/protocol': {
    owns: "Kafka's protocol: its types as bytes, its error codes, and the requests that several rooms send.",
  },
  'core/kafka/group': {
    owns: 'Membership of consumer groups, behind one port: by the classic protocol, by the consumer protocol (KIP-848), and which of them a member joins by. Who is in a group.',
  },
  'core/kafka/group/assignor': {
    owns: 'How the member that leads a classic group spreads its partitions, and what members tell each other of them. Pure.',
  },
  'core/kafka/group/coordinator': {
    owns: 'What both memberships share: the coordinator of their group, when the next heartbeat is due, commits, leases, and what refusals mean.',
  },
  'core/kafka/source': {
    owns: 'A trigger as a member of its group: the partitions that it has, from their opening to their close, and what is the matter with each.',
  },
  'core/kafka/topics': {
    owns: 'Which topics a trigger means, whether they are there, and which ones it has read.',
  },
  'core/kafka/records': {
    owns: 'Record batches ↔ records: CRC-32C, compressions, aborted transactions, and what makes a batch unreadable. Pure.',
    imports: ['core/contract'],
  },
  'core/kafka/fetch': {
    owns: 'What is fetched at each broker for all triggers of a login: a session for what is at rest, prompt fetches for all else, and what is the matter with a single partition.',
  },
  'core/kafka/offsets': {
    owns: 'Where logs begin and end and what groups have committed, read for many groups in few requests; what of it this log proves; and how it is kept while nobody reads.',
  },
  'core/kafka/produce': {
    owns: 'Storing records, such as dead letters and replies: by an idempotent producer, or in a transaction with the commit of their offsets.',
  },
  'core/kafka/properties': { owns: "Kafka's client properties and JAAS logins, as text → settings. Pure." },
  'core/kubernetes': {
    owns: 'The API server: the only room that imports a Kubernetes client. Requests, watches, leader election.',
    imports: ['core/network', 'core/contract', 'core/resources', 'core/credentials', 'core/kafka/properties'],
  },
  'core/kubernetes/informers': {
    owns: 'Watched resources: triggers, KafkaClusters, the ready endpoints of functions.',
  },
  'core/kubernetes/strimzi': {
    owns: 'KafkaClusters that name a Strimzi Kafka or a Service Binding, and what these lead to.',
  },
  'core/access': {
    owns: 'Who may call our ports: TLS, tokens, OpenID Connect, TokenReviews, limits, the audit log.',
    imports: ['core/contract', 'core/resources', 'core/kubernetes'],
  },
  'core/process': {
    owns: 'What each process does at its start: it reads settings, opens its log, and opens the source of its triggers: manifests or Kubernetes.',
    imports: [
      'core/contract',
      'core/network',
      'core/resources',
      'core/expressions',
      'core/kubernetes',
      'core/access',
    ],
  },

  gateway: {
    owns: 'The data plane: records → events → functions → settlements → commits. main.ts wires it from its settings.',
    imports: ['core'],
  },
  'gateway/events': {
    owns: 'Record → event, event → HTTP request, answer → event, event → record.',
    imports: ['core/contract'],
  },
  'gateway/filter': {
    owns: 'The filters of a trigger as one function on events.',
    imports: ['core/contract', 'core/expressions'],
  },
  'gateway/http': {
    owns: 'HTTP/1.1 to functions (RFC 9112, as a client): connections, requests as bytes, answers read strictly, and what certainly happened.',
    imports: ['core/contract', 'core/network'],
  },
  'gateway/delivery': {
    owns: 'Lanes, endpoints and their limits, one attempt, what an answer means, when to try again.',
    imports: ['core/contract', 'core/network', 'gateway/http'],
  },
  'gateway/settlement': {
    owns: 'Ledger, committer, the outbox of transactions, and what a dead letter looks like.',
    imports: ['core/contract'],
  },
  'gateway/pipeline': {
    owns: "One trigger's way from records to settlements, composed of the stages: what is held, parked, blocked or paused meanwhile.",
    imports: [
      'core/contract',
      'core/network',
      'gateway/events',
      'gateway/filter',
      'gateway/delivery',
      'gateway/settlement',
    ],
  },
  'gateway/supervision': {
    owns: 'All triggers of this gateway: it starts, stops and replaces their pipelines, and starts one again after a fault.',
    imports: ['core/contract', 'gateway/pipeline'],
  },
  'gateway/control': {
    owns: 'Which triggers this gateway serves, and the call that wakes a sleeping function.',
    imports: ['core/contract', 'core/network', 'core/resources', 'core/kubernetes'],
  },
  'gateway/admin': {
    owns: 'Metrics, health, the route that skips a record, and the log of events.',
    imports: ['core/contract', 'core/resources', 'core/access', 'core/process'],
  },

  scaler: {
    owns: 'The control plane towards KEDA: offsets → backlog → replicas. main.ts wires it, with the controller, from its settings.',
    imports: ['core', 'controller'],
  },
  'scaler/backlog': {
    owns: 'Offsets and progress marks → backlog.',
    imports: ['core/contract', 'core/kafka', 'scaler'],
  },
  'scaler/activation': {
    owns: 'Who needs replicas, and who needs the first one now.',
    imports: ['core/contract', 'core/resources', 'core/kafka', 'scaler'],
  },
  'scaler/grpc': {
    owns: "KEDA's externalscaler.proto: it translates, and decides nothing.",
    imports: ['core/contract', 'core/access', 'scaler'],
  },
  'scaler/admin': {
    owns: 'The route of the activation call, health, metrics, and the log of events.',
    imports: ['controller', 'core/contract', 'core/access', 'core/process', 'scaler'],
  },

  controller: {
    owns: 'Annotations → Trigger → Service, ScaledObject and status. scaler/main.ts starts it in each scaler, and one of them leads.',
    imports: [
      'core/contract',
      'core/resources',
      'core/kubernetes',
      'core/kafka',
      'core/access',
      'core/network',
      'core/process',
    ],
  },
  'controller/plan': {
    owns: 'The decision about one trigger: what is observed → what to apply, what to remove, and the status. Pure.',
    imports: ['core/contract', 'core/resources', 'core/kafka', 'controller/ownership.ts'],
  },
  'controller/plan/conditions': {
    owns: 'The conditions of a trigger, one file each, and the table of their reasons.',
  },
  'controller/queue': {
    owns: 'The queue of what is to be reconciled, and the workers that take from it.',
  },
  'controller/writes': {
    owns: 'What the controller writes: server-side apply, deletion, finalizers, status, Events.',
  },

  cli: {
    owns: 'The command line, thin over the planes: it may import all of them. Nothing that runs in a cluster is wired here.',
  },
  'cli/program': {
    owns: 'The tree of commands: names, arguments, options, variables and examples. Help, completion and the reference are made of it.',
  },
  'cli/completion': { owns: 'What a shell completes, and the script of each shell.' },
  'cli/gateways': {
    owns: 'What running gateways and scalers tell a command: triggers, blocked records, backlogs.',
  },
  'cli/commands': { owns: 'A file for each command, and what only that command needs.' },
  'cli/demo': { owns: 'The demo: a week of earthquakes, and a summary of every record at its end.' },
  'cli/demo/cluster': { owns: 'The same demo in a cluster where Millrace is installed.' },
  'cli/kafka': { owns: 'Apache Kafka on this machine: installed by Maven, started, stopped.' },
  'cli/local': {
    owns: 'Gateway, scaler and functions in one process, for `millrace dev`, the demo and the benchmark.',
  },
  'cli/runtime': { owns: "Functions as processes, scaled by KEDA's arithmetic." },
  'cli/status': { owns: 'What a terminal shows of running triggers.' },
  'cli/bench': { owns: '`npm run bench`: ratios, measured side by side in one run.' },
};

/** Package → the rooms that may import it. Tests may import all, as an oracle of their own. */
const packages = {
  kafkajs: ['core/kafka/administration'],
  '@kubernetes/client-node': ['core/kubernetes'],
  '(fastify|@fastify/[^/]+)': ['core/access', 'gateway/admin', 'scaler/admin'],
  'prom-client': ['gateway/admin', 'scaler/admin'],
  undici: ['core/access', 'core/credentials', 'core/kubernetes', 'core/network', 'gateway/control', 'cli'],
};

module.exports = { rooms, packages };
