// Validates SASL extensions, which the first message of SASL/OAUTHBEARER has beside the token (RFC 7628, section 3.1, as Kafka's brokers read it).
// Pure.

/** Why one of `extensions` cannot be sent, as text after its place and without its value; undefined if all can. */
export function wrongExtension(extensions: Readonly<Record<string, string>>): string | undefined {
  for (const [name, value] of Object.entries(extensions)) {
    if (!/^[A-Za-z]+$/.test(name))
      return `has an extension with the name ${JSON.stringify(name)}: a name may only have letters`;
    if (name.toLowerCase() === 'auth')
      return 'has an extension with the name auth, which is reserved for the token';
    if (!/^[\x21-\x7e \t\r\n]+$/.test(value))
      return `has an extension ${name} whose value is empty, or has characters other than visible ASCII and white space`;
  }
  return undefined;
}
