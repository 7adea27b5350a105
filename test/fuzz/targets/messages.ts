import assert from 'node:assert/strict'
import { isDeepStrictEqual } from 'node:util'
import fc from 'fast-check'
import { kadMessage } from '../../../src/discovery/dht/kad-message.ts'
import { WireError } from '../../../src/runtime/wire-error.ts'
import type { WireMessage } from '../../../src/runtime/wire-message.ts'
import { scriptedSnapshotMessage } from '../../../src/testing/scripted-snapshot.ts'
import { anyValueOf, declaredMessages } from '../../protocols/wire-messages.ts'
import { decoderTarget } from '../decoder-target.ts'
import { type FuzzTarget, MAX_INPUT_BYTES } from '../fuzz-target.ts'
import { readVectors } from '../vectors.ts'

/** Values of each message that its seeds are made of, always the same. */
const SAMPLES = { numRuns: 24, seed: 1 }

/** Every message of the wire, and what it is made of, by its table. */
export async function messageTargets(): Promise<FuzzTarget[]> {
  const declared = [...(await declaredMessages()).values()]
  return [...declared, kadMessage, scriptedSnapshotMessage].map((message) =>
    messageTarget(message as WireMessage<unknown>)
  )
}

function messageTarget(message: WireMessage<unknown>): FuzzTarget {
  const values = fc.sample(anyValueOf(message), SAMPLES)
  const encoded = values.map((value) => message.encode(value)).filter((bytes) => bytes.byteLength <= MAX_INPUT_BYTES)
  return decoderTarget({
    name: `message/${message.name}`,
    shape: 'protobuf',
    seeds: [...encoded, ...invalid(message.name)],
    refusals: [WireError],
    decode: (input) => message.decode(input),
    check(value) {
      const again = message.encode(value)
      assert.ok(isDeepStrictEqual(message.decode(again), value), 'decode(encode(value)) is another value')
      assert.ok(Buffer.compare(message.encode(message.decode(again)), again) === 0, 'encode gives other bytes')
    }
  })
}

/** The test vectors of messages that are invalid, or oddly encoded. */
function invalid(name: string): Uint8Array[] {
  type Vectors = Record<'invalid' | 'odd', { message: string; bytes: string }[]>
  const { invalid, odd } = readVectors<Vectors>('invalid-messages')
  return [...invalid, ...odd]
    .filter(({ message }) => message === name)
    .map(({ bytes }) => new Uint8Array(Buffer.from(bytes, 'hex')))
}
