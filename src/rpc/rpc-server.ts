import type { Connection, Logger, Stream, StreamHandler } from '@libp2p/interface'
import { Admission } from './admission.ts'
import type { RpcHandler, RpcProtocol } from './rpc.ts'
import { RpcError } from './rpc-error.ts'
import type { RpcInit } from './rpc-init.ts'
import { ServerSession } from './server-session.ts'

export interface RpcServerInit extends Required<RpcInit> {
  readonly log: Logger
}

/** Serves the streams of peers, within the limits. */
export class RpcServer {
  readonly #init: RpcServerInit
  readonly #admission: Admission
  readonly #sessions = new Map<{ abort(reason: RpcError): void }, Promise<void>>()
  #isStarted = false

  constructor(init: RpcServerInit) {
    this.#init = init
    this.#admission = new Admission(init, init.clock)
  }

  start(): void {
    this.#isStarted = true
  }

  /** Resets every stream, and waits for the handlers to end. */
  async stop(): Promise<void> {
    this.#isStarted = false
    for (const session of this.#sessions.keys()) session.abort(stopped())
    await Promise.all(this.#sessions.values())
  }

  /** What libp2p calls with each stream of a protocol. */
  streamHandler<Request, Response>(
    protocol: RpcProtocol<Request, Response>,
    handler: RpcHandler<Request, Response>
  ): StreamHandler {
    return async (stream: Stream, { remotePeer: peer }: Connection) => {
      if (!this.#isStarted) {
        stream.abort(stopped())
        return
      }
      const session = new ServerSession({ ...this.#init, admission: this.#admission, stream, peer, protocol, handler })
      const serving = session.serve()
      this.#sessions.set(session, serving)
      await serving
      this.#sessions.delete(session)
    }
  }
}

function stopped(): RpcError {
  return new RpcError('RPC_NOT_CONNECTED', 'this node has stopped')
}
