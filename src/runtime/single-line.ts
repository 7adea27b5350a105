/** Text for a line of a log or a terminal: what somebody else wrote cannot break out of it. Control characters become a space. @param most characters */
export function singleLine(text: string, most: number = Number.POSITIVE_INFINITY): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
  const line = text.replaceAll(/[\u0000-\u001f\u007f-\u009f\u2028\u2029]+/g, ' ')
  return line.length <= most ? line : `${line.slice(0, most - 1)}…`
}
