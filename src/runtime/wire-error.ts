import { SomaError } from './soma-error.ts'

/** Why bytes are not the message that they should be. */
export type WireErrorCode =
  | 'WIRE_MALFORMED' // not protobuf, a field of another wire type, one there twice, two where one excludes the other
  | 'WIRE_MISSING_FIELD' // required content is absent
  | 'WIRE_TOO_LONG' // a bytes or string field over its limit, or not of its exact length
  | 'WIRE_TOO_MANY' // a repeated field over its limit
  | 'WIRE_UNSAFE_INTEGER' // above Number.MAX_SAFE_INTEGER, or above the field's own range

/** Bytes from outside that do not decode to a valid message. */
export class WireError extends SomaError<WireErrorCode> {
  /** The message and field at fault, such as `Block.ancestors`. */
  readonly field: string

  constructor(code: WireErrorCode, field: string, message: string, options?: ErrorOptions) {
    super(code, `${field}: ${message}`, options)
    this.field = field
  }
}
