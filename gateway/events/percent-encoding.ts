// Percent-encoding of header values: HTTP protocol binding 1.0.2, section 3.1.3.2.

/** Runs of encoded bytes. A percent sign that does not begin an encoded byte stays a percent sign. */
const encodedRun = /(?:%[0-9A-Fa-f]{2})+/g;

/**
 * `text` with space, `"`, `%` and everything outside U+0021–U+007E as `%XX` of its UTF-8 bytes. A lone surrogate, which no attribute may
 * contain, becomes U+FFFD. The result cannot end a header or begin another one.
 */
export function percentEncode(text: string): string {
  const length = text.length;
  for (let at = 0; at < length; at += 1) {
    if (mustEncode(text.charCodeAt(at))) return encodeFrom(text);
  }
  return text;
}

function mustEncode(code: number): boolean {
  return code < 0x21 || code > 0x7e || code === 0x22 || code === 0x25;
}

function encodeFrom(text: string): string {
  let encoded = '';
  for (const byte of Buffer.from(text, 'utf8')) {
    if (!mustEncode(byte)) encoded += String.fromCharCode(byte);
    else encoded += `%${byte < 0x10 ? '0' : ''}${byte.toString(16).toUpperCase()}`;
  }
  return encoded;
}

/**
 * The text of a received header value: a double-quoted value is unquoted, then the value is percent-decoded once. Undefined where the
 * decoded bytes are not UTF-8: such a value must be rejected.
 */
export function percentDecode(value: string): string | undefined {
  const text = isQuoted(value) ? value.slice(1, -1).replace(/\\(.)/g, '$1') : value;
  if (!text.includes('%')) return text;
  try {
    return text.replace(encodedRun, decodeURIComponent);
  } catch {
    return undefined;
  }
}

function isQuoted(value: string): boolean {
  return value.length >= 2 && value.startsWith('"') && value.endsWith('"');
}
