/** What begins a command to a terminal, ends a line, hides, or turns around what follows it: control and format characters, and the two separators of lines. */
const UNSEEN = /[\p{Cc}\p{Cf}\u2028\u2029]+/gu

/** Text for a line of a log or a terminal: what somebody else wrote cannot break out of it, nor change how the rest of it reads. Characters that are not seen become a space. @param most characters */
export function singleLine(text: string, most: number = Number.POSITIVE_INFINITY): string {
  const line = text.replaceAll(UNSEEN, ' ')
  return line.length <= most ? line : `${line.slice(0, most - 1)}…`
}
