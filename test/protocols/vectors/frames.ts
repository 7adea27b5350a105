import { encode as varint } from 'uint8-varint'
import {
  requestFrameMessage,
  responseFrameMessage,
  type Status,
  statusMessage
} from '../../../src/rpc/frame-messages.ts'
import { protocolId } from '../../../src/rpc/protocol-id.ts'
import type { RpcProtocol } from '../../../src/rpc/rpc.ts'
import { STATUS } from '../../../src/rpc/rpc-error.ts'
import { toHex } from '../../../src/runtime/hex.ts'
import { fieldsOf } from './fields.ts'
import { chainId } from './fixture.ts'

/** One frame of an answer. */
export type Answer<Response> = { readonly response: Response } | { readonly status: Status }

/** An exchange: a request frame, and the frames of its answer. */
export function exchangeVector<Request, Response>(
  what: string,
  protocol: RpcProtocol<Request, Response>,
  exchange: { keepOpen?: boolean; request: Request; answer: readonly Answer<Response>[] }
): unknown {
  const { keepOpen = false, request, answer } = exchange
  const body = protocol.request.encode(request)
  return {
    what,
    protocol: protocolId(chainId, protocol.name),
    request: {
      message: protocol.request.name,
      fields: fieldsOf(protocol.request, request),
      keep_open: keepOpen,
      body: toHex(body),
      frame: framed(requestFrameMessage.encode({ keepOpen, body }))
    },
    answer: answer.map((frame) => {
      if ('status' in frame) return statusVector(frame.status)
      const encoded = protocol.response.encode(frame.response)
      return {
        message: protocol.response.name,
        fields: fieldsOf(protocol.response, frame.response),
        body: toHex(encoded),
        frame: framed(responseFrameMessage.encode({ body: encoded, status: undefined }))
      }
    })
  }
}

/** A status, alone. */
export function statusVector(status: Status): unknown {
  return {
    message: statusMessage.name,
    fields: fieldsOf(statusMessage, status),
    frame: framed(responseFrameMessage.encode({ body: undefined, status }))
  }
}

/** A status by name. */
export function status(name: keyof typeof STATUS, details: Partial<Status> = {}): Status {
  return { code: STATUS[name], message: '', lowestAvailable: undefined, retryAfterMs: undefined, ...details }
}

function framed(message: Uint8Array): string {
  return toHex(varint(message.byteLength)) + toHex(message)
}
