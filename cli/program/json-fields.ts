// What `--json` prints, command by command. These names stay: programs read them. docs/reference/command-line.md is made of this table.

export interface JsonOutput {
  /** What one object stands for. */
  readonly object: string;
  /** Field → what it is. */
  readonly fields: Readonly<Record<string, string>>;
}

const place = {
  topic: 'its topic',
  partition: 'its partition',
} as const;
const counts = {
  delivered: 'records delivered',
  filtered: 'records that a filter dropped',
  deadLettered: 'records stored in the dead-letter topic',
} as const;

export const jsonOutputs: Readonly<Record<string, readonly JsonOutput[]>> = {
  kafka: [
    { object: 'The Kafka, once it can be reached', fields: { kafkaBrokers: 'as KAFKA_BROKERS takes it' } },
  ],
  dev: [
    {
      object: 'The start',
      fields: { adminUrl: 'admin address of the gateway', kafkaBrokers: 'as KAFKA_BROKERS takes it' },
    },
    {
      object: 'A trigger that has changed, at most once a second',
      fields: {
        trigger: '`namespace/name`',
        backlog: 'records; null if unknown',
        inFlight: 'requests under way',
        replicas: '`ready` and `desired`; null if the function is not started here',
        ...counts,
        replies: 'replies stored in the reply topic',
        trouble: 'what keeps it from working; null if nothing does',
      },
    },
  ],
  demo: [
    {
      object: 'The summary, at the end',
      fields: {
        records: 'earthquakes stored',
        ...counts,
        replies: 'replies stored in the reply topic',
        duplicates: 'events that arrived more than once',
        coldStartMs: 'function → ms from the first record to the first request',
        maxReplicas: 'the most replicas of any function',
        finalReplicas: 'replicas left at the end',
        triggers: 'function → the same of it alone; in a cluster the fields that can be seen from outside',
      },
    },
  ],
  'create-topics': [
    {
      object: 'A topic',
      fields: {
        topic: 'its name',
        created: 'false if it existed already',
        partitions: 'partitions; absent if it existed',
      },
    },
  ],
  send: [{ object: 'A record', fields: { ...place, offset: 'its offset, a number' } }],
  validate: [
    {
      object: 'Everything',
      fields: {
        valid: 'whether there is no mistake',
        files: 'how many files were read',
        triggers: 'those without mistakes: `trigger`, `topics` or `topicPattern`, `function`',
        mistakes: '`code`, `path`, `message`, `remedy`, `file`, `line`, `column`',
        warnings: 'the same, of what is right but probably not meant',
      },
    },
  ],
  try: [
    {
      object: 'The evaluation',
      fields: {
        value: 'the value; of filters, whether the event passes',
        error: '`code`, `message`, `at`; absent without an error',
        refusedBy: 'the filter that refuses the event: `path`, `filter`, `why`; absent if it passes',
        triggers: 'of several triggers, the answer of each',
      },
    },
  ],
  triggers: [
    {
      object: 'A trigger, summed up over the gateways',
      fields: {
        trigger: '`namespace/name`',
        state: '`consuming`, `starting`, `failing` or `suspended`: the worst of all gateways',
        ready: 'whether all gateways have and fetch their partitions',
        why: 'what keeps records from being delivered; empty if nothing does',
        gateways: 'how many gateways serve it',
        partitions: 'partitions that they have',
        readyEndpoints: 'ready endpoints of the function',
        queued: 'records in memory that are not settled',
        inFlight: 'requests under way',
        held: 'records that wait for a ready endpoint or for credentials',
        parked: 'lanes that wait behind a failure, blocked ones included',
        blocked: 'lanes that a record blocks',
        ...counts,
        backlog: 'records, as of the last poll of the scaler; absent if unknown',
      },
    },
  ],
  blocked: [
    {
      object: 'A record that blocks its lane, or a batch that cannot be read',
      fields: {
        trigger: '`namespace/name`',
        gateway: 'admin URL of the gateway that has it',
        ...place,
        offset: 'its offset, a text',
        lastOffset: 'the last offset of a batch that cannot be read, a text; absent for a record',
        keyBytes: 'length of its key; absent without a key',
        reason: '`exhausted`, `rejected`, `expired` or `undecodable`; `unreadable` for a batch',
        detail: 'what the last attempt came to; quoted text is masked',
        status: 'the last HTTP status; absent if none came',
        attempts: 'requests that carried it',
        since: 'RFC 3339 time',
        skip: 'the command that skips it',
      },
    },
  ],
  skip: [
    {
      object: 'The record, as Kafka holds it, or the batch that cannot be read',
      fields: {
        trigger: '`namespace/name`',
        ...place,
        offset: 'its offset, a text',
        lastOffset: 'the last offset of the batch, a text; absent for a record',
        settlement: '`skipped`, what else became of it before, or `pending`',
        message: 'why it is pending',
        attempts: 'requests that carried it',
        cause: '`reason`, `detail`, `status` of the last failure',
        deadLetter: 'where it is stored: `topic`, `partition`, `offset`; absent if it is not',
        record: '`timestampMs`, `key`, `value`, `headers`; bytes in Base64; absent for a batch',
        batch: 'its `size` in bytes, and the first ones or all as `bytes` in Base64; absent for a record',
        reply: 'a reply that could not be stored, in the JSON format of CloudEvents',
      },
    },
  ],
  gateway: [{ object: 'The start', fields: { adminUrl: 'admin address' } }],
  scaler: [
    {
      object: 'The start',
      fields: { grpcPort: 'port for KEDA', url: 'address of activation, metrics and health' },
    },
  ],
  check: [
    {
      object: 'A URL',
      fields: { url: 'as given', ok: 'whether it answers', error: 'the last failure; absent if it is ok' },
    },
  ],
  cleanup: [{ object: 'A step', fields: { message: 'what was removed, or was not' } }],
};
