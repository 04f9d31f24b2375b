// What may go into the first message of SASL/OAUTHBEARER beside the token: RFC 7628, section 3.1, as Kafka's brokers hold it.

/** Why one of `extensions` cannot be sent, without its value, to go on after its place; undefined where all can. */
export function wrongExtension(extensions: Readonly<Record<string, string>>): string | undefined {
  for (const [name, value] of Object.entries(extensions)) {
    if (!/^[A-Za-z]+$/.test(name))
      return `has an extension with the name ${JSON.stringify(name)}: letters alone may be in it`;
    if (name.toLowerCase() === 'auth')
      return 'has an extension with the name auth, which is that of the token';
    if (!/^[\x21-\x7e \t\r\n]+$/.test(value))
      return `has an extension ${name} that is empty, or has characters other than those of ASCII that can be seen`;
  }
  return undefined;
}
