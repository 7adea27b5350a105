/** An escape of JSON, whole, so that a backslash that is escaped itself begins none. */
const ESCAPE = /\\(?:u[0-9a-f]{4}|.)/gi
/** Escapes of what a terminal obeys. Ends of lines and tabs are laid out by whoever shows them. */
const OBEYED = /^\\(?:u00(?:0[0-9a-f]|1[0-9a-f]|7f)|[bfr])$/i
const UNSEEN = /[\u007f-\u009f\p{Cf}\u2028\u2029]/gu

/** A line of a log in JSON, without anything in its strings that a terminal would obey: peers write some of what errors say. */
export function plainLine(json: string): string {
  return json.replaceAll(ESCAPE, (found) => (OBEYED.test(found) ? ' ' : found)).replaceAll(UNSEEN, ' ')
}
