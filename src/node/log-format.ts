import { format } from 'node:util'
import { toHex } from '../runtime/hex.ts'
import { singleLine } from '../runtime/single-line.ts'

/** A log line, with the error that it reports beside its text. */
export interface LogLine {
  readonly text: string
  readonly error?: Error
  /** The peer that it is about: the first that it names. */
  readonly peer?: string
}

/**
 * Formats a line as libp2p's components write them: a format string with `%s %d %i %f %j %o %O %%` as in `util.format`, and
 * `%e` (error), `%p` (peer id), `%a` (multiaddr), `%c` (CID), `%k` (datastore key), `%b` `%t` `%m` (bytes, here all in hex).
 *
 * Text that came from a peer cannot break out of its line: control characters become a space.
 */
export function formatLine(args: readonly unknown[]): LogLine {
  const [first, ...rest] = args
  const values = typeof first === 'string' ? rest : [...args]
  const error = values.find((value) => value instanceof Error)
  let position = 0
  const template = typeof first === 'string' ? first : ''
  const peers: string[] = []
  const pattern = template.replaceAll(/%([a-zA-Z%])/g, (whole, letter: string) => {
    if (letter === '%' || position >= values.length) return whole
    const rendered = render(letter, values[position])
    if (rendered !== undefined) values[position] = rendered
    if (letter === 'p' && rendered !== undefined) peers.push(rendered)
    position += 1
    return rendered === undefined ? whole : '%s'
  })
  const text = singleLine(typeof first === 'string' ? format(pattern, ...values) : format(...values))
  const [peer] = peers
  return { text, ...(error !== undefined && { error }), ...(peer !== undefined && { peer }) }
}

/** The text of a value under a letter that `util.format` does not know. */
function render(letter: string, value: unknown): string | undefined {
  switch (letter) {
    case 'e':
      return value instanceof Error ? value.message : String(value)
    case 'p':
    case 'a':
    case 'c':
    case 'k':
      return String(value)
    case 'b':
    case 't':
    case 'm':
      return value instanceof Uint8Array ? toHex(value) : String(value)
    default:
      return undefined
  }
}
