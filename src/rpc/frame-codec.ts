import { encode as varint } from 'uint8-varint'
import { Uint8ArrayList } from 'uint8arraylist'
import type { WireMessage } from '../runtime/wire-message.ts'
import { responseFrameMessage, type Status } from './frame-messages.ts'
import { RpcError } from './rpc-error.ts'

// Frames with a body are put together from a head and that body, which protobufjs would copy once more. They are the bytes that
// `requestFrameMessage` and `responseFrameMessage` would encode.
const REQUEST_KEEP_OPEN = [0x08, 0x01]
const REQUEST_BODY = 0x12
const RESPONSE_BODY = 0x0a

/**
 * A request frame and its length.
 *
 * @throws {RangeError} the frame is over `limit`: a programming error
 */
export function encodeRequestFrame(keepOpen: boolean, body: Uint8Array, limit: number): Uint8ArrayList {
  const head = keepOpen ? [...REQUEST_KEEP_OPEN] : []
  if (body.byteLength > 0) head.push(REQUEST_BODY, ...varint(body.byteLength))
  return withLength(head, body, limit)
}

/**
 * A response frame that holds a response, and its length.
 *
 * @throws {RangeError} the frame is over `limit`: a programming error
 */
export function encodeResponseFrame(body: Uint8Array, limit: number): Uint8ArrayList {
  return withLength([RESPONSE_BODY, ...varint(body.byteLength)], body, limit)
}

/** A response frame that holds a status, and its length. */
export function encodeStatusFrame(status: Status): Uint8ArrayList {
  return withLength([], responseFrameMessage.encode({ body: undefined, status }), Number.POSITIVE_INFINITY)
}

/**
 * The message that a peer's bytes hold.
 *
 * @throws {RpcError} with the given code, when they hold none
 */
export function decodeFrom<T>(
  message: WireMessage<T>,
  bytes: Uint8Array,
  code: 'RPC_BAD_FRAME' | 'RPC_INVALID_REQUEST'
): T {
  try {
    return message.decode(bytes)
  } catch (cause) {
    throw new RpcError(code, `not a ${message.name}: ${cause instanceof Error ? cause.message : String(cause)}`, {
      cause
    })
  }
}

function withLength(head: readonly number[], body: Uint8Array, limit: number): Uint8ArrayList {
  const length = head.length + body.byteLength
  if (length > limit) throw new RangeError(`a frame of ${length} bytes, over ${limit}`)
  return new Uint8ArrayList(Uint8Array.of(...varint(length), ...head), body)
}
