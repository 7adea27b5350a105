/** What a terminal takes for colour, and not for text. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: it begins such a sequence
const STYLE = /(\u001b\[[0-9;]*m)/

/** Cuts a line to a width, and leaves its colours whole. */
export function fitLine(line: string, columns: number): string {
  let left = columns
  let isCut = false
  let fitted = ''
  for (const [position, part] of line.split(STYLE).entries()) {
    if (position % 2 === 1) fitted += part
    else if (!isCut && part.length > left) {
      fitted += `${part.slice(0, Math.max(0, left - 1))}…`
      isCut = true
    } else if (!isCut) {
      fitted += part
      left -= part.length
    }
  }
  return fitted
}

/** Breaks a text without colours into lines of a width, between words where it can. */
export function wrapText(text: string, columns: number): string[] {
  const lines: string[] = []
  let line = ''
  for (const word of text.split(' ')) {
    if (line !== '' && line.length + 1 + word.length > columns) {
      lines.push(line)
      line = ''
    }
    line = line === '' ? word : `${line} ${word}`
    while (line.length > columns) {
      lines.push(line.slice(0, columns))
      line = line.slice(columns)
    }
  }
  return line === '' ? lines : [...lines, line]
}
