// What is wrong with a batch that cannot be read. Whatever bytes a batch has, reading them throws this and nothing else.

/** The message continues "the batch cannot be read: ". */
export class UnreadableBatch extends Error {
  /** Whether all that is wrong is that it would unpack to more than it may. */
  readonly isTooLarge: boolean;

  constructor(why: string, options: { readonly isTooLarge?: boolean } = {}) {
    super(why);
    this.name = 'UnreadableBatch';
    this.isTooLarge = options.isTooLarge ?? false;
  }
}

/** As node:zlib says that more would come out than may. */
export function tooLarge(): Error {
  return Object.assign(new Error('too large'), { code: 'ERR_BUFFER_TOO_LARGE' });
}
