import type { Connection, Logger, Stream, StreamHandler } from '@libp2p/interface'
import { Admission } from './admission.ts'
import type { RpcHandler, RpcProtocol } from './rpc.ts'
import { RpcError } from './rpc-error.ts'
import type { RpcInit } from './rpc-init.ts'
import type { ServerLoad } from './rpc-metrics.ts'
import { ServerSession } from './server-session.ts'
import { ServingTurns } from './serving-turns.ts'
import { SessionTable } from './session-table.ts'

/** The event loop is late when what waits in it waits so long, in milliseconds. */
const LATE_MS = 40

export interface RpcServerInit extends Required<RpcInit> {
  readonly log: Logger
}

/** Serves the streams of peers, within the limits. */
export class RpcServer {
  readonly #init: RpcServerInit
  readonly #admission: Admission
  readonly #turns: ServingTurns
  readonly #sessions: SessionTable
  readonly #serving = new Set<Promise<void>>()
  #isStarted = false

  constructor(init: RpcServerInit) {
    this.#init = init
    this.#admission = new Admission(init, init.clock)
    this.#turns = new ServingTurns({
      clock: init.clock,
      maxBytes: init.maxAnswerBytes,
      isLate: () => init.loopDelayMs() > LATE_MS,
      isBusy: init.isBusy
    })
    this.#sessions = new SessionTable({ maxPerPeer: init.maxStreamsPerPeer, max: init.maxStreams })
  }

  /** What is held at present. */
  get load(): ServerLoad {
    return {
      requests: this.#admission.inFlight,
      streams: this.#sessions.all().length,
      answerBytes: this.#turns.held
    }
  }

  start(): void {
    this.#isStarted = true
  }

  /** Resets every stream, and waits for the handlers to end. */
  async stop(): Promise<void> {
    this.#isStarted = false
    for (const session of this.#sessions.all()) session.abort()
    await Promise.all(this.#serving)
  }

  /** What libp2p calls with each stream of a protocol. */
  streamHandler<Request, Response>(
    protocol: RpcProtocol<Request, Response>,
    handler: RpcHandler<Request, Response>
  ): StreamHandler {
    return async (stream: Stream, { remotePeer: peer }: Connection) => {
      if (!this.#isStarted) {
        stream.abort(new RpcError('RPC_NOT_CONNECTED', 'this node has stopped'))
        return
      }
      const { log } = this.#init
      const parts = { admission: this.#admission, turns: this.#turns, stream, peer, protocol, handler }
      const session = new ServerSession({ ...this.#init, ...parts })
      const key = peer.toString()
      if (!this.#sessions.add(key, session)) {
        log('%p has too many streams, one of %s is reset', peer, protocol.name)
        session.abort()
        return
      }
      const serving = session.serve()
      this.#serving.add(serving)
      await serving
      this.#serving.delete(serving)
      this.#sessions.remove(key, session)
    }
  }
}
