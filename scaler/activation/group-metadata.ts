// The metadata of a handwritten ScaledObject for a consumer group. Names, defaults and meanings are those of KEDA's scaler
// `type: kafka` (KEDA 2.21), so that its metadata can be copied unchanged. Pure.
import { MillraceError } from '../../core/contract/errors.ts';
import { nearest } from '../../core/contract/nearest-name.ts';
import { parseBrokers } from '../../core/contract/kafka-access.ts';

export interface GroupScale {
  /** `host:port`, as written; empty for the installation's own cluster. */
  readonly bootstrapServers: readonly string[];
  readonly consumerGroup: string;
  /** Empty for all topics in which the group has committed offsets. */
  readonly topics: readonly string[];
  /** The partitions of each topic that count; undefined for all. */
  readonly partitions: readonly PartitionRange[] | undefined;
  /** Records per replica. */
  readonly lagThreshold: number;
  readonly activationLagThreshold: number;
  /** Where the group starts in a partition without a committed offset. */
  readonly offsetResetPolicy: 'latest' | 'earliest';
  /** The lag may ask for more replicas than there are partitions. */
  readonly allowIdleConsumers: boolean;
  /** A stalled partition asks for no replicas. */
  readonly excludePersistentLag: boolean;
  /** A partition without a committed offset asks for no replicas. */
  readonly scaleToZeroOnInvalidOffset: boolean;
  readonly limitToPartitionsWithLag: boolean;
  /** The number of replicas always divides the number of partitions evenly. */
  readonly ensureEvenDistributionOfPartitions: boolean;
}

/** Both ends are included. */
export interface PartitionRange {
  readonly from: number;
  readonly to: number;
}

type Metadata = Readonly<Record<string, string>>;

/** Names that KEDA also resolves from an environment variable of the scaled workload, which `<name>FromEnv` names. */
const fromEnvironment = ['bootstrapServers', 'consumerGroup', 'topic'] as const;
const ownNames = [
  ...fromEnvironment,
  'partitionLimitation',
  'lagThreshold',
  'activationLagThreshold',
  'offsetResetPolicy',
  'allowIdleConsumers',
  'excludePersistentLag',
  'scaleToZeroOnInvalidOffset',
  'limitToPartitionsWithLag',
  'ensureEvenDistributionOfPartitions',
] as const;
/** Names about KEDA's own connection to Kafka or to this scaler. They are accepted and have no effect. */
const ignoredNames = new Set([
  'scalerAddress',
  'enableTLS',
  'unsafeSsl',
  'version',
  'tls',
  'sasl',
  'saslTokenProvider',
  'awsRegion',
  'fullMetadata',
]);
const int32Max = 2 ** 31 - 1;
/** Limit on the total length of names and values, because metadata is stored per group and read in each call. */
const maxText = 16 << 10;
/** Limit on topics, and on ranges of partitions. */
const maxItems = 1_000;

/** Whether `metadata` describes a consumer group instead of naming a trigger. */
export function isGroupMetadata(metadata: Metadata): boolean {
  const names: readonly string[] = [...ownNames, ...fromEnvironment.map((name) => `${name}FromEnv`)];
  return names.some((name) => textOf(metadata, name) !== undefined);
}

/**
 * @throws MillraceError MILLRACE_SCALER_METADATA_INVALID, with `where` and all mistakes at once
 */
export function parseGroupMetadata(metadata: Metadata, where: string): GroupScale {
  if (Object.entries(metadata).flat().join('').length > maxText)
    throw invalid(where, [`more than ${maxText} characters`]);
  const mistakes: string[] = [];
  const consumerGroup = resolvedOf(metadata, 'consumerGroup');
  if (consumerGroup === undefined)
    mistakes.push('consumerGroup is missing: name the group, or a trigger by `trigger`');
  if (textOf(metadata, 'trigger') !== undefined)
    mistakes.push(
      'trigger and consumerGroup are both set: leave one out, because a trigger has its own group',
    );
  const topics = listOf(resolvedOf(metadata, 'topic'));
  if (topics.length > maxItems) mistakes.push(`topic names more than ${maxItems} topics`);
  const scale: GroupScale = {
    bootstrapServers: bootstrapServersIn(metadata, mistakes),
    consumerGroup: consumerGroup ?? '',
    topics,
    partitions: partitionsIn(metadata, topics, mistakes),
    lagThreshold: wholeNumberIn(metadata, 'lagThreshold', { absent: 10, least: 1 }, mistakes),
    activationLagThreshold: wholeNumberIn(
      metadata,
      'activationLagThreshold',
      { absent: 0, least: 0 },
      mistakes,
    ),
    offsetResetPolicy: offsetResetPolicyIn(metadata, mistakes),
    allowIdleConsumers: flagIn(metadata, 'allowIdleConsumers', false, mistakes),
    excludePersistentLag: flagIn(metadata, 'excludePersistentLag', false, mistakes),
    scaleToZeroOnInvalidOffset: flagIn(metadata, 'scaleToZeroOnInvalidOffset', false, mistakes),
    limitToPartitionsWithLag: flagIn(metadata, 'limitToPartitionsWithLag', false, mistakes),
    ensureEvenDistributionOfPartitions: flagIn(
      metadata,
      'ensureEvenDistributionOfPartitions',
      false,
      mistakes,
    ),
  };
  findConflicts(scale, flagIn(metadata, 'fullMetadata', true, mistakes), mistakes);
  findMisspelt(metadata, mistakes);
  if (mistakes.length > 0) throw invalid(where, mistakes);
  return scale;
}

function invalid(where: string, mistakes: readonly string[]): MillraceError {
  return new MillraceError('MILLRACE_SCALER_METADATA_INVALID', `${where}: ${mistakes.join('; ')}`);
}

function findConflicts(scale: GroupScale, fullMetadata: boolean, mistakes: string[]): void {
  const { allowIdleConsumers, limitToPartitionsWithLag, ensureEvenDistributionOfPartitions } = scale;
  const hasTopic = scale.topics.length > 0;
  if (limitToPartitionsWithLag && allowIdleConsumers)
    mistakes.push('allowIdleConsumers and limitToPartitionsWithLag contradict each other: leave one out');
  if (limitToPartitionsWithLag && ensureEvenDistributionOfPartitions)
    mistakes.push(
      'limitToPartitionsWithLag and ensureEvenDistributionOfPartitions contradict each other: leave one out',
    );
  if (hasTopic) return;
  for (const [name, isSet] of [
    ['limitToPartitionsWithLag', limitToPartitionsWithLag],
    ['ensureEvenDistributionOfPartitions', ensureEvenDistributionOfPartitions],
    ['fullMetadata: false', !fullMetadata],
  ] as const)
    if (isSet) mistakes.push(`${name} needs a topic: name it by \`topic\``);
}

/** Reports names that are close to a known one. All other names are accepted, because KEDA passes on all metadata. */
function findMisspelt(metadata: Metadata, mistakes: string[]): void {
  for (const name of Object.keys(metadata)) {
    const stem = name.replace(/FromEnv$/, '');
    if (stem === 'trigger' || ignoredNames.has(stem) || ownNames.some((own) => own === stem)) continue;
    const meant = nearest(stem, ownNames, 2);
    if (meant !== undefined) mistakes.push(`${name} is not known: did you mean ${meant}?`);
  }
}

/** Like KEDA: surrounding blanks are trimmed, and an empty text counts as absent. */
function textOf(metadata: Metadata, name: string): string | undefined {
  return metadata[name]?.trim() || undefined;
}

/** KEDA has already replaced the name of the environment variable by its value. */
function resolvedOf(metadata: Metadata, name: (typeof fromEnvironment)[number]): string | undefined {
  return textOf(metadata, name) ?? textOf(metadata, `${name}FromEnv`);
}

function listOf(text: string | undefined): string[] {
  const items = (text ?? '').split(',').map((item) => item.trim());
  return [...new Set(items.filter((item) => item !== ''))];
}

function bootstrapServersIn(metadata: Metadata, mistakes: string[]): readonly string[] {
  const text = resolvedOf(metadata, 'bootstrapServers');
  if (text === undefined) return [];
  const servers = parseBrokers(text);
  if (servers === undefined) mistakes.push(`bootstrapServers is '${text}': write host:port, comma-separated`);
  return servers ?? [];
}

function wholeNumberIn(
  metadata: Metadata,
  name: string,
  { absent, least }: { absent: number; least: number },
  mistakes: string[],
): number {
  const text = textOf(metadata, name);
  if (text === undefined) return absent;
  const value = /^(?:0|[1-9]\d*)$/.test(text) ? Number(text) : NaN;
  if (Number.isSafeInteger(value) && value >= least) return value;
  mistakes.push(`${name} is '${text}': write a whole number of at least ${least}`);
  return absent;
}

/** The texts that Go's strconv.ParseBool accepts, because KEDA accepts them. */
const flags: Readonly<Record<string, boolean>> = {
  ...Object.fromEntries(['1', 't', 'T', 'TRUE', 'true', 'True'].map((text) => [text, true])),
  ...Object.fromEntries(['0', 'f', 'F', 'FALSE', 'false', 'False'].map((text) => [text, false])),
};

function flagIn(metadata: Metadata, name: string, absent: boolean, mistakes: string[]): boolean {
  const text = textOf(metadata, name);
  if (text === undefined) return absent;
  const value = Object.hasOwn(flags, text) ? flags[text] : undefined;
  if (value === undefined) mistakes.push(`${name} is '${text}': write true or false`);
  return value ?? absent;
}

function offsetResetPolicyIn(metadata: Metadata, mistakes: string[]): 'latest' | 'earliest' {
  const text = textOf(metadata, 'offsetResetPolicy') ?? 'latest';
  if (text === 'latest' || text === 'earliest') return text;
  mistakes.push(`offsetResetPolicy is '${text}': write latest or earliest`);
  return 'latest';
}

/** Parses `1-4,8,10-12`. Without a topic, the limitation has no effect. */
function partitionsIn(
  metadata: Metadata,
  topics: readonly string[],
  mistakes: string[],
): readonly PartitionRange[] | undefined {
  const text = textOf(metadata, 'partitionLimitation');
  if (text === undefined) return undefined;
  const ranges: PartitionRange[] = [];
  const parts = text.split(',');
  if (parts.length > maxItems) mistakes.push(`partitionLimitation has more than ${maxItems} parts`);
  for (const part of parts) {
    const [, first, last] = /^\s*(\d{1,10})(?:\s*-\s*(\d{1,10}))?\s*$/.exec(part) ?? [];
    const from = Number(first ?? NaN);
    const to = last === undefined ? from : Number(last);
    if (from <= to && to <= int32Max) ranges.push({ from, to });
    else mistakes.push(`partitionLimitation has '${part.trim()}': write partitions such as 1-4,8,10-12`);
  }
  return topics.length === 0 ? undefined : ranges;
}
