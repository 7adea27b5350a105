import { type Random, randomInteger } from '../../src/runtime/random.ts'
import { mutateBytes, pick } from './mutate-bytes.ts'

/** What means something to parsers of addresses, JSON or YAML. */
const TOKENS = [
  ...['/', '/ip4/', '/ip6/', '/dns/', '/dns4/', '/tcp/', '/udp/', '/p2p/', '/p2p-circuit', '/ip6zone/', '/unix/'],
  ...['127.0.0.1', '8.8.8.8', '::1', '::ffff:8.8.8.8', '2002::1', '2001:db8::', '%eth0', '.local', '0x7f.1', '.'],
  ...['12D3KooWJFZgUEP6afn3hQF2TeXKefMUxNFuMhwecESSVRVifgjk', 'QmYyQSo1c1Ym7orWxLYvCrM2EmxFTANf8wXmmE7DWjhx5N'],
  ...['&a ', '*a', '<<: *a', '!!binary ', '!!js/function ', '!!set ', '? ', '- ', ': ', '|\n', '>\n', '---\n', '...\n'],
  ...[
    '%YAML 1.1\n',
    '# ',
    '\t',
    '\r\n',
    '\u0000',
    '\ufeff',
    '\u2028',
    '\ud83d\ude00',
    '~',
    'null',
    'true',
    'yes',
    '.nan'
  ],
  ...[
    '{',
    '}',
    '[',
    ']',
    '"',
    "'",
    ',',
    '\\u0000',
    '\\ud800',
    '__proto__',
    'constructor',
    'toString',
    'kind',
    'peerId'
  ],
  ...[
    '-1',
    '0',
    '1e309',
    '1e-9',
    '9007199254740993',
    '0o17',
    '0x1F',
    '1_000',
    '65536',
    '123456789012345678901234567890'
  ]
]
/** Most times that a token is repeated: deep nesting, long lists. */
const MAX_REPEATS = 2_000

/** Changes a text by what means something in it. */
export function mutateText(random: Random, input: Uint8Array, donor: Uint8Array): Uint8Array {
  const text = Buffer.from(input).toString('utf8')
  const at = randomInteger(random, text.length + 1)
  const end = Math.min(text.length, at + randomInteger(random, 24))
  const token = pick(random, TOKENS)
  switch (randomInteger(random, 7)) {
    case 0:
      return bytesOf(text.slice(0, at) + token + text.slice(at))
    case 1:
      return bytesOf(text.slice(0, at) + token + text.slice(end))
    case 2:
      return bytesOf(text.slice(0, at) + token.repeat(randomInteger(random, MAX_REPEATS)) + text.slice(at))
    case 3:
      return bytesOf(withoutLine(random, text))
    case 4:
      return bytesOf(withLineOf(random, text, Buffer.from(donor).toString('utf8')))
    case 5:
      return bytesOf(text.slice(0, at) + text.slice(end))
    default:
      return mutateBytes(random, input, donor)
  }
}

function withoutLine(random: Random, text: string): string {
  const lines = text.split('\n')
  return lines.toSpliced(randomInteger(random, lines.length), 1).join('\n')
}

function withLineOf(random: Random, text: string, donor: string): string {
  const lines = text.split('\n')
  return lines.toSpliced(randomInteger(random, lines.length + 1), 0, pick(random, donor.split('\n'))).join('\n')
}

function bytesOf(text: string): Uint8Array {
  return new Uint8Array(Buffer.from(text))
}
