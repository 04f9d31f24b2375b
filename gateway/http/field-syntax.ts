// What a header may be, of a request and of an answer alike (RFC 9110, sections 5.1 and 5.5), as Latin-1.

export const fieldName = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/;
/** No control character but the tab. */
export const fieldText = /^[\t\x20-\x7e\x80-\xff]*$/;
