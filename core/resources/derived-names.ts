// The names that are made of a trigger's name. They are legal for every legal name of a Trigger, which is a DNS subdomain of up to 253
// characters, and no two triggers of a namespace share one. A name that is legal as it stands is used as it stands; any other is shortened,
// and ends with a hash of the whole.
import { createHash } from 'node:crypto';

/** 48 bits: two of a million names are alike with a probability of 0.2 %. */
const hashLength = 12;

/**
 * The Service whose EndpointSlices list the endpoints of a trigger's `ref`, and the ConfigMap and TriggerAuthentication beside it. The name
 * of a Service is a label of RFC 1035: up to 63 characters, no dots, and a letter first.
 */
export function serviceNameOf(triggerName: string): string {
  const plain = `${triggerName}-millrace`;
  if (/^[a-z][-a-z0-9]{0,62}$/.test(plain)) return plain;
  // A plain name ends with `-millrace`, so none is like this one.
  const end = `-millrace-${hashOf(triggerName)}`;
  return `${cut(/^[a-z]/.test(triggerName) ? triggerName : `t-${triggerName}`, 63 - end.length)}${end}`;
}

/** KEDA refuses a ScaledObject if the name of its HorizontalPodAutoscaler, `keda-hpa-NAME`, is longer than the value of a label. */
const longestScaledObject = 63 - 'keda-hpa-'.length;
/** What a shortened name looks like. A name that looks so by itself is shortened too, or two triggers could share it. */
const looksShortened = new RegExp(`^.{${longestScaledObject - hashLength - 1}}-[0-9a-f]{${hashLength}}$`);

/** The ScaledObject of a trigger. Its name is the value of a label too: KEDA finds the metric by it. */
export function scaledObjectNameOf(triggerName: string): string {
  if (triggerName.length <= longestScaledObject && !looksShortened.test(triggerName)) return triggerName;
  return `${cut(triggerName, longestScaledObject - hashLength - 1)}-${hashOf(triggerName)}`;
}

/** The value of a label that stands for a trigger: up to 63 characters. No trigger has an underscore in its name. */
export function labelValueOf(triggerName: string): string {
  if (triggerName.length <= 63) return triggerName;
  return `${cut(triggerName, 63 - hashLength - 1)}_${hashOf(triggerName)}`;
}

/** The name of the metric that KEDA asks for. It is a segment of a path, and KEDA takes dots for hyphens. */
export function metricNameOf(triggerName: string): string {
  const plain = `millrace-${triggerName}`;
  if (plain.length <= 63 && !triggerName.includes('.')) return plain;
  return `${cut(plain, 63 - hashLength - 1)}_${hashOf(triggerName)}`;
}

function cut(name: string, length: number): string {
  return name.slice(0, length).replaceAll('.', '-');
}

function hashOf(name: string): string {
  return createHash('sha256').update(name).digest('hex').slice(0, hashLength);
}
