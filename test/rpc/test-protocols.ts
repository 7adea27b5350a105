import type { RpcDeadlines, RpcProtocol } from '../../src/rpc/index.ts'
import { bytes, message, string, uint64, type WireMessage } from '../../src/runtime/wire-message.ts'

const MIB = 1024 * 1024

export interface Note {
  readonly text: string
}
export const noteMessage: WireMessage<Note> = message('Note', { text: string(1, 512) })

export interface Order {
  readonly count: number
  readonly bytes: number
}
export const orderMessage: WireMessage<Order> = message('Order', { count: uint64(1), bytes: uint64(2) })

export interface Parcel {
  readonly number: number
  readonly content: Uint8Array
}
export const parcelMessage: WireMessage<Parcel> = message('Parcel', {
  number: uint64(1),
  content: bytes(2, { most: 4 * MIB })
})

/** Long enough for a busy machine; tests of deadlines shorten the one that they are about. */
const PATIENT: RpcDeadlines = { firstFrameMs: 20_000, betweenFramesMs: 20_000, totalMs: 40_000 }

/** A unary protocol. */
export function greet(deadlines: Partial<RpcDeadlines> = {}): RpcProtocol<Note, Note> {
  return {
    name: 'greet',
    kind: 'unary',
    request: noteMessage,
    response: noteMessage,
    maxRequestBytes: 1_024,
    maxResponseBytes: 1_024,
    deadlines: { ...PATIENT, ...deadlines }
  }
}

/** A streaming protocol. */
export function deliver(deadlines: Partial<RpcDeadlines> = {}): RpcProtocol<Order, Parcel> {
  return {
    name: 'deliver',
    kind: 'streaming',
    request: orderMessage,
    response: parcelMessage,
    maxRequestBytes: 1_024,
    maxResponseBytes: 4 * MIB,
    deadlines: { ...PATIENT, ...deadlines }
  }
}

/** A handler of `deliver`. */
export async function* deliverParcels({ count, bytes }: Order): AsyncGenerator<Parcel> {
  for (let number = 1; number <= count; number++) yield { number, content: new Uint8Array(bytes).fill(number) }
}
