// What of a reason may be shown to whoever may not see payloads.

/** Reasons quote what they speak of, which may be a record's or an answer's; the dead letter has it in full. */
export function masked(reason: string): string {
  return reason.replaceAll(/"(?:[^"\\]|\\.)*"?/g, '"…"');
}
