import { type Random, randomInteger, shuffled } from '../../src/runtime/random.ts'
import { anyVarint, mutateBytes, pick } from './mutate-bytes.ts'
import { mutateProtobuf } from './mutate-protobuf.ts'
import { join, readVarint, varint } from './wire-fields.ts'

/** Changes one frame of a stream, the order of the frames, or what a length prefix says. */
export function mutateFrames(random: Random, input: Uint8Array, donor: Uint8Array): Uint8Array {
  const frames = splitFrames(input)
  if (frames.length === 0) return mutateBytes(random, input, donor)
  const at = randomInteger(random, frames.length)
  const frame = frames[at] as Uint8Array
  switch (randomInteger(random, 12)) {
    case 0:
      return joinFrames(frames.toSpliced(at, 1))
    case 1:
      return joinFrames(frames.toSpliced(at, 0, frame))
    case 2:
      return joinFrames(shuffled(random, frames))
    case 3:
      return joinFrames(frames.toSpliced(at, 0, pick(random, splitFrames(donor)) ?? new Uint8Array(0)))
    case 4:
      return join([joinFrames(frames.slice(0, at)), anyVarint(random), frame, joinFrames(frames.slice(at + 1))])
    case 5:
      return join([joinFrames(frames.slice(0, at)), varint(frame.byteLength), frame.subarray(0, -1)])
    default:
      return joinFrames(frames.toSpliced(at, 1, mutateProtobuf(random, frame, splitFrames(donor)[0] ?? donor)))
  }
}

/** The frames of a stream, as far as they are whole. */
export function splitFrames(input: Uint8Array): Uint8Array[] {
  const frames: Uint8Array[] = []
  for (let at = 0; at < input.byteLength; ) {
    const length = readVarint(input, at)
    if (length === undefined || length.end + length.value > input.byteLength) break
    at = length.end + length.value
    frames.push(input.subarray(length.end, at))
  }
  return frames
}

/** Frames with their lengths. */
export function joinFrames(frames: readonly Uint8Array[]): Uint8Array {
  return join(frames.flatMap((frame) => [varint(frame.byteLength), frame]))
}
