/** How the inputs of a target are built, so that mutation breaks what they mean and not only their bytes. */
export type InputShape =
  | 'bytes'
  /** Protobuf: fields within fields. */
  | 'protobuf'
  /** Frames as on a stream: each an unsigned varint length and a protobuf message. */
  | 'frames'
  /** UTF-8 text of tokens: addresses, YAML, JSON. */
  | 'text'

/** Something that takes bytes from outside. */
export interface FuzzTarget {
  /** The room and the thing: `consensus/commit`. Its corpus lies in the directory of that name. */
  readonly name: string
  readonly shape: InputShape
  /** Its share of the inputs, beside those of the others. Slow ones have less. @default 1 */
  readonly weight?: number
  open(): Promise<OpenTarget>
}

/** A target that is ready for inputs. */
export interface OpenTarget {
  /** Valid inputs, and invalid ones that lead far: what is mutated. */
  readonly seeds: readonly Uint8Array[]
  /**
   * Gives an input to what is tested.
   *
   * @returns what became of it: the code of the refusal, or some word for a value. An input with an outcome not seen before is kept for mutation
   * @throws when a property does not hold
   */
  run(input: Uint8Array): string | Promise<string>
  /** Inputs under way at once. @default 1 */
  readonly concurrency?: number
  /** Looks at what must hold in the end, and stops what was started. @throws when it does not hold */
  close?(): Promise<void>
}

/** Most bytes of an input. */
export const MAX_INPUT_BYTES: number = 64 * 1024

/** A target that needs no preparation but its seeds. */
export function simpleTarget(target: Omit<FuzzTarget, 'open'> & OpenTarget): FuzzTarget {
  const { name, shape, weight = 1, ...opened } = target
  return { name, shape, weight, open: async () => opened }
}
