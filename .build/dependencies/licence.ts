// Whether a licence is allowed. Reads SPDX expressions (annex D of the SPDX specification 2.3).

/**
 * `MIT OR GPL-3.0-only` is allowed if either licence is, `MIT AND GPL-3.0-only` if both are. `X WITH Y` is a licence of its own.
 * Text that is not an SPDX expression is not allowed.
 */
export function isAllowedLicence(expression: string, allowed: ReadonlySet<string>): boolean {
  const tokens = expression.match(/[()]|[^\s()]+/g) ?? [];
  let at = 0;
  const verdict = anyOf();
  return verdict && at === tokens.length;

  function anyOf(): boolean {
    let isAllowed = allOf();
    while (take('OR')) isAllowed = allOf() || isAllowed;
    return isAllowed;
  }

  function allOf(): boolean {
    let isAllowed = one();
    while (take('AND')) isAllowed = one() && isAllowed;
    return isAllowed;
  }

  function one(): boolean {
    if (take('(')) {
      const isAllowed = anyOf();
      return take(')') && isAllowed;
    }
    const id = tokens[at++] ?? '';
    return allowed.has(take('WITH') ? `${id} WITH ${tokens[at++] ?? ''}` : id);
  }

  function take(token: string): boolean {
    if (tokens[at] !== token) return false;
    at += 1;
    return true;
  }
}
