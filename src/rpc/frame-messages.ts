import {
  bool,
  bytes,
  enumeration,
  message,
  optional,
  string,
  submessage,
  uint64,
  type WireMessage
} from '../runtime/wire-message.ts'

/** Most bytes of a response frame, by default. */
export const MAX_RESPONSE_FRAME_BYTES: number = 4 * 1024 * 1024
/** Most bytes of a request frame, by default: 1,000 block references and some. */
export const MAX_REQUEST_FRAME_BYTES: number = 128 * 1024
/** Most bytes of a status' message. */
export const MAX_STATUS_MESSAGE_BYTES = 256

/** The frame that asks. */
export interface RequestFrame {
  /** Another request follows on this stream after the answer's status. Otherwise the client half-closes after this frame. */
  readonly keepOpen: boolean
  /** The encoded request message. */
  readonly body: Uint8Array
}

export const requestFrameMessage: WireMessage<RequestFrame> = message('RequestFrame', {
  keepOpen: bool(1),
  body: bytes(2, { most: MAX_REQUEST_FRAME_BYTES })
})

/** How an answer ended. */
export interface Status {
  /** One of `STATUS`. */
  readonly code: number
  readonly message: string
  readonly lowestAvailable: number | undefined
  readonly retryAfterMs: number | undefined
}

export const statusMessage: WireMessage<Status> = message('Status', {
  code: enumeration(1, 'StatusCode'),
  message: string(2, MAX_STATUS_MESSAGE_BYTES),
  lowestAvailable: optional(uint64(3)),
  retryAfterMs: optional(uint64(4))
})

/** A frame of an answer: exactly one of the two. The status is always the last. */
export interface ResponseFrame {
  /** The encoded response message. */
  readonly body: Uint8Array | undefined
  readonly status: Status | undefined
}

export const responseFrameMessage: WireMessage<ResponseFrame> = message(
  'ResponseFrame',
  {
    body: optional(bytes(1, { most: MAX_RESPONSE_FRAME_BYTES })),
    status: optional(submessage(2, statusMessage))
  },
  { exactlyOne: true }
)
