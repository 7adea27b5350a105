import assert from 'node:assert/strict'
import { Deframer } from '../../../src/rpc/deframer.ts'
import { responseFrameMessage } from '../../../src/rpc/frame-messages.ts'
import { RpcError } from '../../../src/rpc/rpc-error.ts'
import { errorOf, statusOf } from '../../../src/rpc/status.ts'
import { randomInteger, seededRandom } from '../../../src/runtime/random.ts'
import { WireError } from '../../../src/runtime/wire-error.ts'
import { decoderTarget, outcomeOf } from '../decoder-target.ts'
import type { FuzzTarget } from '../fuzz-target.ts'
import { vectorBytes } from '../vectors.ts'
import { readVarint } from '../wire-fields.ts'

/** Frames off a stream, and the statuses in them. */
export function rpcTargets(): FuzzTarget[] {
  return [deframer(), statuses()]
}

/** Limits of frames as the protocols have them, and odd ones. */
const LIMITS = [0, 1, 127, 128, 1_024, 4_096, 128 * 1024, 4 * 1024 * 1024]

interface Cut {
  readonly frames: readonly string[]
  /** Why it ended early. */
  readonly refusal: string | undefined
}

/** Whatever the chunks a stream comes in, its frames are those that one sees who has all of it before them. */
function deframer(): FuzzTarget {
  return decoderTarget({
    name: 'rpc/frames',
    shape: 'frames',
    weight: 3,
    seeds: vectorBytes('frames', 'frame'),
    refusals: [],
    buffersPerByte: 8 * 1024, // small chunks are gathered in blocks of this size
    decode(input) {
      const limit = LIMITS[(input[0] ?? 0) % LIMITS.length] ?? 0
      return { limit, cut: cutInChunks(input, limit) }
    },
    check({ limit, cut }, input) {
      assert.deepEqual(cut, cutWhole(input, limit))
    }
  })
}

function cutInChunks(input: Uint8Array, limit: number): Cut {
  const random = seededRandom(input.byteLength * 31 + (input.at(-1) ?? 0))
  const most = [1, 7, 64, 5_000, input.byteLength][randomInteger(random, 5)] ?? 1
  const deframer = new Deframer()
  const frames: string[] = []
  try {
    for (let at = 0; at < input.byteLength; ) {
      const end = at + 1 + randomInteger(random, most)
      deframer.push(input.slice(at, end))
      at = end
      for (let frame = deframer.take(limit); frame !== undefined; frame = deframer.take(limit)) frames.push(text(frame))
      assert.ok(deframer.buffered <= input.byteLength)
    }
    return { frames, refusal: undefined }
  } catch (thrown) {
    if (thrown instanceof RpcError) return { frames, refusal: thrown.code }
    throw thrown
  }
}

/** The same by the words of the specification, over all the bytes at once. */
function cutWhole(input: Uint8Array, limit: number): Cut {
  const frames: string[] = []
  for (let at = 0; at < input.byteLength; ) {
    const length = readVarint(input, at)
    if (length === undefined) {
      const refusal = input.byteLength - at < 10 ? undefined : 'RPC_BAD_FRAME'
      return { frames, refusal }
    }
    if (length.value > limit) return { frames, refusal: 'RPC_OVERSIZE_FRAME' }
    if (length.end + length.value > input.byteLength) break
    at = length.end + length.value
    frames.push(text(input.subarray(length.end, at)))
  }
  return { frames, refusal: undefined }
}

/** A status of a peer becomes an error whose text cannot break a line, and an error of ours a status that fits. */
function statuses(): FuzzTarget {
  return decoderTarget({
    name: 'rpc/status',
    shape: 'protobuf',
    weight: 2,
    seeds: vectorBytes('frames', 'frame').map((frame) => frame.subarray(readVarint(frame, 0)?.end)),
    refusals: [WireError],
    decode: (input) => responseFrameMessage.decode(input),
    check({ body, status }) {
      assert.equal(Number(body !== undefined) + Number(status !== undefined), 1)
      const error = status && errorOf(status)
      if (error === undefined) return
      assert.doesNotMatch(error.message, /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u)
      const told = statusOf(error)
      if (told !== undefined) responseFrameMessage.encode({ body: undefined, status: told })
      else assert.equal(outcomeOf(error), 'RPC_INTERNAL')
    }
  })
}

function text(frame: Uint8Array): string {
  return Buffer.from(frame).toString('latin1')
}
