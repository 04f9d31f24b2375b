// Masks the parts of a reason that callers without access to payloads must not see.

/** Replaces quoted text: reasons quote parts of records and answers. The dead letter has the whole reason. */
export function masked(reason: string): string {
  return reason.replaceAll(/"(?:[^"\\]|\\.)*"?/g, '"…"');
}
