import type { Uint8ArrayList } from 'uint8arraylist'
import { encodeResponseFrame } from './frame-codec.ts'
import type { RpcProtocol } from './rpc.ts'
import type { ServingTurn } from './serving-turns.ts'

/** The frames of an answer, each made when it is asked for. It holds no response longer than it takes to make the frame. */
export class ResponseFrames<Request, Response> implements AsyncDisposable {
  readonly #protocol: RpcProtocol<Request, Response>
  readonly #responses: AsyncIterator<Response | undefined>

  constructor(protocol: RpcProtocol<Request, Response>, responses: AsyncIterable<Response | undefined>) {
    this.#protocol = protocol
    this.#responses = responses[Symbol.asyncIterator]()
  }

  /** The next frame, `none` where the handler only looked for something, and `undefined` at the end. */
  async next(turn: ServingTurn): Promise<Uint8ArrayList | 'none' | undefined> {
    const { done, value } = await this.#responses.next()
    if (done === true) return undefined
    if (value === undefined) return 'none'
    const { response, maxResponseBytes } = this.#protocol
    const frame = encodeResponseFrame(response.encode(value), maxResponseBytes)
    turn.made(frame.byteLength)
    return frame
  }

  /** The frame of a unary answer. @throws {TypeError} there is none, or another: a programming error */
  async only(turn: ServingTurn): Promise<Uint8ArrayList> {
    const frame = await this.next(turn)
    if (frame === undefined || frame === 'none') throw new TypeError(`no response to the unary ${this.#protocol.name}`)
    if ((await this.#responses.next()).done === true) return frame
    throw new TypeError(`two responses to the unary ${this.#protocol.name}`)
  }

  /** Lets the handler end. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#responses.return?.()
  }
}
