// The metadata of a ScaledObject that somebody wrote by hand for a consumer group: names, defaults and meanings of KEDA's
// scaler `type: kafka` (KEDA 2.21), so that its metadata can be taken over as it is. Pure.
import { MillraceError } from '../../core/contract/errors.ts';
import { nearest } from '../../core/contract/nearest-name.ts';
import { parseBrokers } from '../../core/contract/kafka-access.ts';

export interface GroupScale {
  /** `host:port`, as it is written; empty for the installation's own cluster. */
  readonly bootstrapServers: readonly string[];
  readonly consumerGroup: string;
  /** Empty: all topics that the group has committed offsets in. */
  readonly topics: readonly string[];
  /** The partitions of each topic that count, from and to; undefined for all. */
  readonly partitions: readonly PartitionRange[] | undefined;
  /** Records per replica. */
  readonly lagThreshold: number;
  readonly activationLagThreshold: number;
  /** Where the group begins a partition that it has no offset in. */
  readonly offsetResetPolicy: 'latest' | 'earliest';
  /** More replicas than partitions, where the lag asks for them. */
  readonly allowIdleConsumers: boolean;
  /** A partition whose offset stands still asks for no replicas. */
  readonly excludePersistentLag: boolean;
  /** A partition without an offset asks for no replicas. */
  readonly scaleToZeroOnInvalidOffset: boolean;
  readonly limitToPartitionsWithLag: boolean;
  /** As many replicas as divide the partitions evenly. */
  readonly ensureEvenDistributionOfPartitions: boolean;
}

/** Both ends belong to it. */
export interface PartitionRange {
  readonly from: number;
  readonly to: number;
}

type Metadata = Readonly<Record<string, string>>;

/** What KEDA resolves from an environment variable of the scaled workload, where `<name>FromEnv` names one. */
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
/** About KEDA's own connection to Kafka, or to us: they are taken, and mean nothing here. */
const idleNames = new Set([
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
/** Of all names and values. It is kept for each group, and looked at in each call. */
const maxText = 16 << 10;
/** Topics, or ranges of partitions. */
const maxItems = 1_000;

/** Whether `metadata` is about a consumer group, and not about a trigger. */
export function isGroupMetadata(metadata: Metadata): boolean {
  const names: readonly string[] = [...ownNames, ...fromEnvironment.map((name) => `${name}FromEnv`)];
  return names.some((name) => textOf(metadata, name) !== undefined);
}

/**
 * @throws MillraceError MILLRACE_SCALER_METADATA_INVALID that names all mistakes at once, after `where`
 */
export function parseGroupMetadata(metadata: Metadata, where: string): GroupScale {
  if (Object.entries(metadata).flat().join('').length > maxText)
    throw invalid(where, [`more than ${maxText} characters`]);
  const mistakes: string[] = [];
  const consumerGroup = resolvedOf(metadata, 'consumerGroup');
  if (consumerGroup === undefined)
    mistakes.push('consumerGroup is missing: name the group, or a trigger by `trigger`');
  if (textOf(metadata, 'trigger') !== undefined)
    mistakes.push('trigger and consumerGroup are both there: a trigger has its group already');
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

/** Names that are nearly ours. Others may be somebody else's: KEDA hands on whatever there is. */
function findMisspelt(metadata: Metadata, mistakes: string[]): void {
  for (const name of Object.keys(metadata)) {
    const stem = name.replace(/FromEnv$/, '');
    if (stem === 'trigger' || idleNames.has(stem) || ownNames.some((own) => own === stem)) continue;
    const meant = nearest(stem, ownNames, 2);
    if (meant !== undefined) mistakes.push(`${name} is not known: did you mean ${meant}?`);
  }
}

/** As KEDA reads metadata: without blanks around it, and an empty text is an absent one. */
function textOf(metadata: Metadata, name: string): string | undefined {
  return metadata[name]?.trim() || undefined;
}

/** KEDA has put the value of the variable in the place of its name. */
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
  if (servers === undefined) mistakes.push(`bootstrapServers is '${text}': host:port, comma-separated`);
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
  mistakes.push(`${name} is '${text}': a whole number of at least ${least}`);
  return absent;
}

/** The texts that Go's strconv.ParseBool knows, for KEDA knows them. */
const flags: Readonly<Record<string, boolean>> = {
  ...Object.fromEntries(['1', 't', 'T', 'TRUE', 'true', 'True'].map((text) => [text, true])),
  ...Object.fromEntries(['0', 'f', 'F', 'FALSE', 'false', 'False'].map((text) => [text, false])),
};

function flagIn(metadata: Metadata, name: string, absent: boolean, mistakes: string[]): boolean {
  const text = textOf(metadata, name);
  if (text === undefined) return absent;
  const value = Object.hasOwn(flags, text) ? flags[text] : undefined;
  if (value === undefined) mistakes.push(`${name} is '${text}': true or false`);
  return value ?? absent;
}

function offsetResetPolicyIn(metadata: Metadata, mistakes: string[]): 'latest' | 'earliest' {
  const text = textOf(metadata, 'offsetResetPolicy') ?? 'latest';
  if (text === 'latest' || text === 'earliest') return text;
  mistakes.push(`offsetResetPolicy is '${text}': latest or earliest`);
  return 'latest';
}

/** `1-4,8,10-12`; of no topic in particular it says nothing. */
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
    else mistakes.push(`partitionLimitation has '${part.trim()}': partitions such as 1-4,8,10-12`);
  }
  return topics.length === 0 ? undefined : ranges;
}
