import { WireError } from '../../../src/runtime/wire-error.ts'
import { decoderTarget } from '../decoder-target.ts'
import { type FuzzTarget, simpleTarget } from '../fuzz-target.ts'

const seeds = [Uint8Array.of(3, 1, 2, 3), Uint8Array.of(0)]
const common = { shape: 'bytes', seeds, refusals: [WireError] } as const

/** Decoders with a fault each, of the kinds that are looked for, and one without. */
export async function targets(): Promise<FuzzTarget[]> {
  return [
    decoderTarget({ ...common, name: 'sound', decode: (input) => input[0] }),
    decoderTarget({ ...common, name: 'untyped-error', decode: untypedError }),
    decoderTarget({ ...common, name: 'allocates-by-number', decode: allocatesByNumber }),
    decoderTarget({ ...common, name: 'lists-by-number', decode: listsByNumber }),
    decoderTarget({ ...common, name: 'without-end', decode: withoutEnd }),
    decoderTarget({ ...common, name: 'false-value', decode: (input) => input[0], check: checkSmall }),
    simpleTarget({ ...common, name: 'unhandled-rejection', run: unhandledRejection }),
    simpleTarget({ ...common, name: 'never-settles', run: neverSettles }),
    simpleTarget({ ...common, name: 'never-stops', run: () => 'fine', close: () => Promise.reject(new Error('open')) })
  ]
}

function untypedError(input: Uint8Array): number {
  return new DataView(input.buffer, input.byteOffset, input.byteLength).getUint8(2)
}

function allocatesByNumber(input: Uint8Array): Uint8Array {
  return new Uint8Array((input[0] ?? 0) * 4_096)
}

function listsByNumber(input: Uint8Array): undefined[] {
  return new Array<undefined>((input[0] ?? 0) * 10_000).fill(undefined)
}

function withoutEnd(input: Uint8Array): number {
  let at = 0
  while (at < input.byteLength) at += (input[at] ?? 0) % 64
  return at
}

function checkSmall(value: number | undefined): void {
  if (value === 0x80) throw new Error('not a value that should be')
}

function unhandledRejection(input: Uint8Array): string {
  if (input.byteLength > 5) void Promise.reject(new Error('nobody looks'))
  return 'fine'
}

function neverSettles(input: Uint8Array): Promise<string> {
  return input.byteLength > 5 ? new Promise(() => {}) : Promise.resolve('fine')
}
