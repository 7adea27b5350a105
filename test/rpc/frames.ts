import { encode as varint } from 'uint8-varint'
import { requestFrameMessage, responseFrameMessage, type Status } from '../../src/rpc/frame-messages.ts'
import { STATUS } from '../../src/rpc/index.ts'
import type { WireMessage } from '../../src/runtime/wire-message.ts'
import { type Note, noteMessage } from './test-protocols.ts'

// The frames of the wire, made from the tables: what a peer by somebody else would send.

/** Bytes with their length before them. */
export function framed(bytes: Uint8Array): Uint8Array {
  return Buffer.concat([varint(bytes.byteLength), bytes])
}

export function requestFrame<T>(message: WireMessage<T>, request: T, keepOpen: boolean): Uint8Array {
  return framed(requestFrameMessage.encode({ keepOpen, body: message.encode(request) }))
}

export function bodyFrame(note: Note): Uint8Array {
  return framed(responseFrameMessage.encode({ body: noteMessage.encode(note), status: undefined }))
}

export function statusFrame(status: Partial<Status> = {}): Uint8Array {
  const whole = { code: STATUS.ok, message: '', lowestAvailable: undefined, retryAfterMs: undefined, ...status }
  return framed(responseFrameMessage.encode({ body: undefined, status: whole }))
}
