import {
  type AbortOptions,
  type ComponentLogger,
  type Logger,
  type Metrics,
  type PeerId,
  type Startable,
  type StreamHandler,
  serviceCapabilities,
  serviceDependencies
} from '@libp2p/interface'
import type { ConnectionManager, Registrar } from '@libp2p/interface-internal'
import { LoopDelay } from '../runtime/loop-delay.ts'
import { MAX_STREAMS } from './open-stream.ts'
import { byPreference } from './preferred-connection.ts'
import { protocolId } from './protocol-id.ts'
import { requireRate } from './rate-limiter.ts'
import type { Rpc, RpcHandler, RpcProtocol, StreamOptions } from './rpc.ts'
import { RpcClient } from './rpc-client.ts'
import { type RpcInit, withDefaults } from './rpc-init.ts'
import { registerRpcMetrics } from './rpc-metrics.ts'
import { RpcServer } from './rpc-server.ts'

/** The parts of libp2p that the service works with. */
export interface RpcComponents {
  readonly peerId: PeerId
  readonly registrar: Registrar
  readonly connectionManager: ConnectionManager
  readonly logger: ComponentLogger
  readonly metrics?: Metrics
}

/**
 * The service, for `createLibp2p({ services: { rpc: rpc({ chainId }) } })`.
 *
 * @throws {RangeError} as the service is made, for requests a second or a burst out of range
 */
export function rpc(init: RpcInit): (components: RpcComponents) => Rpc & Startable {
  return (components) => new RpcService(components, init)
}

class RpcService implements Rpc, Startable {
  readonly [Symbol.toStringTag]: string = '@soma-p2p/rpc'
  readonly [serviceCapabilities]: string[] = ['@soma-p2p/rpc']
  readonly [serviceDependencies]: string[] = ['@libp2p/connection-encryption', '@libp2p/stream-multiplexing']

  readonly #components: RpcComponents
  readonly #log: Logger
  readonly #init: Required<RpcInit>
  readonly #client: RpcClient
  readonly #server: RpcServer
  readonly #loopDelay = new LoopDelay()
  readonly #handlers = new Map<string, StreamHandler>()
  readonly #ids = new Map<string, string>()
  #isStarted = false

  constructor(components: RpcComponents, given: RpcInit) {
    const init = withDefaults({ loopDelayMs: () => this.#loopDelay.recentMs, ...given })
    this.#components = components
    this.#log = components.logger.forComponent('soma-p2p:rpc')
    this.#init = init
    this.#server = new RpcServer({ ...init, log: this.#log })
    if (components.metrics !== undefined) registerRpcMetrics(components.metrics, () => this.#server.load)
    this.#client = new RpcClient({
      ...init,
      protocolId: (name) => this.#idOf(name),
      connectionsTo: (peer) => byPreference(components.peerId, components.connectionManager.getConnections(peer))
    })
  }

  async start(): Promise<void> {
    this.#isStarted = true
    this.#loopDelay.start()
    this.#client.start()
    this.#server.start()
    // a copy: other services start side by side with this one, and what they add meanwhile registers itself
    for (const [id, handler] of [...this.#handlers]) await this.#register(id, handler)
  }

  async stop(): Promise<void> {
    this.#isStarted = false
    this.#loopDelay.stop()
    this.#client.stop()
    const served = this.#server.stop()
    for (const id of this.#handlers.keys()) await this.#components.registrar.unhandle(id)
    await served
  }

  protocolId<Request, Response>(protocol: RpcProtocol<Request, Response>): string {
    return this.#idOf(protocol.name)
  }

  handle<Request, Response>(protocol: RpcProtocol<Request, Response>, handler: RpcHandler<Request, Response>): void {
    const id = this.#idOf(protocol.name)
    if (this.#handlers.has(id)) throw new TypeError(`${protocol.name} has a handler already`)
    if (protocol.rate !== undefined) requireRate(protocol.rate)
    const streamHandler = this.#server.streamHandler(protocol, handler)
    this.#handlers.set(id, streamHandler)
    if (!this.#isStarted) return
    this.#register(id, streamHandler).catch((thrown: unknown) => {
      this.#log.error('%s is not served - %e', protocol.name, thrown)
    })
  }

  async call<Request, Response>(
    peer: PeerId,
    protocol: RpcProtocol<Request, Response>,
    request: Request,
    { signal }: AbortOptions = {}
  ): Promise<Response> {
    const responses: Response[] = []
    for await (const response of this.#client.ask({ peer, protocol, request, single: true, signal })) {
      responses.push(response)
    }
    return responses[0] as Response // there is exactly one, or an error was thrown
  }

  stream<Request, Response>(
    peer: PeerId,
    protocol: RpcProtocol<Request, Response>,
    request: Request,
    { signal, onBytes }: StreamOptions = {}
  ): AsyncGenerator<Response, void, undefined> {
    return this.#client.ask({ peer, protocol, request, single: protocol.kind === 'unary', signal, onBytes })
  }

  #idOf(name: string): string {
    let id = this.#ids.get(name)
    if (id === undefined) {
      id = protocolId(this.#init.chainId, name)
      this.#ids.set(name, id)
    }
    return id
  }

  async #register(id: string, handler: StreamHandler): Promise<void> {
    await this.#components.registrar.handle(id, handler, {
      maxInboundStreams: MAX_STREAMS,
      maxOutboundStreams: MAX_STREAMS,
      runOnLimitedConnection: false
    })
  }
}
