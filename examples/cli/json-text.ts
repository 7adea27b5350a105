/** What JSON leaves as it is, and a terminal obeys, or readers do not see. Beyond the basic plane such a character is two units. */
const UNSEEN = /[\u007f-\u009f\p{Cf}\u2028\u2029]/gu

/** JSON for a file or a terminal: the same value to every program, and nothing in it that steers who looks at it. @param space indents by so much */
export function jsonText(value: unknown, space?: number): string {
  return JSON.stringify(value, undefined, space).replaceAll(UNSEEN, (unseen) =>
    Array.from({ length: unseen.length }, (_, at) => escaped(unseen.charCodeAt(at))).join('')
  )
}

function escaped(unit: number): string {
  return `\\u${unit.toString(16).padStart(4, '0')}`
}
