import { MAX_STATUS_MESSAGE_BYTES, type Status } from './frame-messages.ts'
import { RpcError, type RpcErrorCode, STATUS, type StatusName } from './rpc-error.ts'

const CODES: Readonly<Record<Exclude<StatusName, 'ok'>, RpcErrorCode>> = {
  invalidRequest: 'RPC_INVALID_REQUEST',
  notFound: 'RPC_NOT_FOUND',
  rateLimited: 'RPC_RATE_LIMITED',
  unavailable: 'RPC_UNAVAILABLE',
  internal: 'RPC_INTERNAL'
}
const codeByNumber = new Map<number, RpcErrorCode>()
const numberByCode = new Map<string, number>()
for (const [name, code] of Object.entries(CODES)) {
  const number = STATUS[name as StatusName]
  codeByNumber.set(number, code)
  numberByCode.set(code, number)
}

/** The status of an answer that is whole. */
export const OK_STATUS: Status = { code: STATUS.ok, message: '', lowestAvailable: undefined, retryAfterMs: undefined }

/** The status of a failure whose text is nobody else's business. */
export const INTERNAL_STATUS: Status = { ...OK_STATUS, code: STATUS.internal }

/** The status of a request that cannot even be read. */
export const INVALID_REQUEST_STATUS: Status = {
  ...OK_STATUS,
  code: STATUS.invalidRequest,
  message: 'not a request frame'
}

/** The status that an error stands for; `undefined` when it is none of those that a peer is told. */
export function statusOf(error: unknown): Status | undefined {
  const code = error instanceof RpcError ? numberByCode.get(error.code) : undefined
  if (code === undefined || !(error instanceof RpcError)) return undefined
  const { lowestAvailable, retryAfterMs } = error
  return { code, message: cut(error.message), lowestAvailable, retryAfterMs }
}

/** The error that a status stands for; `undefined` for `ok`. A status of a later version than ours is a failure inside the peer. */
export function errorOf({ code, message, lowestAvailable, retryAfterMs }: Status): RpcError | undefined {
  if (code === STATUS.ok) return undefined
  return new RpcError(codeByNumber.get(code) ?? 'RPC_INTERNAL', `the peer answered ${quoted(message)}`, {
    lowestAvailable,
    retryAfterMs
  })
}

/** A peer's text, so that it can neither end a line of a log nor colour it, nor have it read in another order. JSON leaves some such characters as they are. */
function quoted(text: string): string {
  return JSON.stringify(text).replace(
    /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu,
    (character) => `\\u{${character.codePointAt(0)?.toString(16)}}`
  )
}

const utf8 = new TextEncoder()

/** As much of a text as fits into a status, cut between characters. */
function cut(text: string): string {
  const wellFormed = text.toWellFormed()
  const { read } = utf8.encodeInto(wellFormed, new Uint8Array(MAX_STATUS_MESSAGE_BYTES))
  return wellFormed.slice(0, read)
}
