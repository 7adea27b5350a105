import { type Random, randomInteger } from '../../src/runtime/random.ts'
import { type InputShape, MAX_INPUT_BYTES } from './fuzz-target.ts'
import { mutateBytes, randomBytes } from './mutate-bytes.ts'
import { mutateFrames } from './mutate-frames.ts'
import { mutateProtobuf } from './mutate-protobuf.ts'
import { mutateText } from './mutate-text.ts'

/** Changes an input; `donor` is another one, to take parts from. */
export type Mutation = (random: Random, input: Uint8Array, donor: Uint8Array) => Uint8Array

const BY_SHAPE: Readonly<Record<InputShape, Mutation>> = {
  bytes: mutateBytes,
  protobuf: mutateProtobuf,
  frames: mutateFrames,
  text: mutateText
}

/** Of a hundred inputs, those that are bytes at random, and those damaged without a look at their structure. */
const RANDOM_PERCENT = 4
const BLIND_PERCENT = 16

/** Makes a hostile input out of two others. */
export function mutate(random: Random, shape: InputShape, input: Uint8Array, donor: Uint8Array): Uint8Array {
  const kind = randomInteger(random, 100)
  if (kind < RANDOM_PERCENT) return randomBytes(random, 256)
  const mutation = kind < RANDOM_PERCENT + BLIND_PERCENT ? mutateBytes : BY_SHAPE[shape]
  let mutated = input
  do mutated = mutation(random, mutated, donor)
  while (random.next() < 0.4)
  return mutated.subarray(0, MAX_INPUT_BYTES)
}
