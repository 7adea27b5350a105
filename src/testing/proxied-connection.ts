import { connect as dial, type Socket } from 'node:net'
import { type LinkSchedule, SlowLink } from './slow-link.ts'
import type { TcpAddress } from './tcp-address.ts'

/** What becomes of what is sent: it arrives; it is taken and never arrives, while both ends wait; or it is refused with a reset. */
export type Passage = 'open' | 'blackhole' | 'closed'

/** What a connection through a proxy is made from. */
export interface ProxiedConnectionInit {
  readonly client: Socket
  readonly target: TcpAddress
  /** Of all connections of the proxy, one for each direction. */
  readonly toTarget: LinkSchedule
  readonly fromTarget: LinkSchedule
  readonly passage: Passage
  /** Called once both ends are closed. */
  readonly onEnd: () => void
}

/** One connection over a link. An end or a reset on one side reaches the other, but through a black hole. */
export class ProxiedConnection {
  /** The IP address that it comes from. */
  readonly from: string
  readonly #client: Socket
  readonly #target: TcpAddress
  readonly #there: SlowLink
  readonly #back: SlowLink
  readonly #onEnd: () => void
  /** `undefined` until something may pass: a black hole lets nobody arrive. */
  #upstream: Socket | undefined
  #passage: Passage = 'blackhole'
  #isLost = false

  constructor({ client, target, toTarget, fromTarget, passage, onEnd }: ProxiedConnectionInit) {
    this.from = client.remoteAddress ?? ''
    this.#client = client
    this.#target = target
    this.#there = new SlowLink(toTarget)
    this.#back = new SlowLink(fromTarget)
    this.#onEnd = onEnd
    this.#watch(client)
    client.pipe(this.#there)
    this.#back.pipe(client)
    this.pass(passage)
  }

  /** Lets pass from now on what the passage does. */
  pass(passage: Passage): void {
    this.#passage = passage
    if (passage === 'closed' || (passage === 'open' && this.#isLost)) {
      this.reset()
      return
    }
    for (const link of [this.#there, this.#back]) {
      if (passage === 'open') link.release()
      else link.hold()
    }
    if (passage === 'open') this.#upstream ??= this.#dial()
  }

  /** Breaks it after so many bytes more in one of its directions. */
  tear(afterBytes: number): void {
    const onTorn = () => setImmediate(() => this.reset()) // by then the last bytes are on their way
    for (const link of [this.#there, this.#back]) link.tearAfter(afterBytes, onTorn)
  }

  /** Breaks it at once: both ends see a reset. Idempotent. */
  reset(): void {
    for (const socket of [this.#client, this.#upstream]) {
      if (socket !== undefined && !socket.destroyed) socket.resetAndDestroy()
    }
    for (const link of [this.#there, this.#back]) link.destroy()
    this.#onEnd()
  }

  #dial(): Socket {
    const upstream = dial({ ...this.#target, allowHalfOpen: true })
    this.#watch(upstream)
    this.#there.pipe(upstream)
    upstream.pipe(this.#back)
    return upstream
  }

  #watch(socket: Socket): void {
    const lost = () => {
      if (this.#passage === 'blackhole') this.#isLost = true
      else this.reset()
    }
    socket.setNoDelay(true)
    socket.on('error', lost)
    socket.on('close', () => {
      if (!endedWhole(socket)) lost()
      else if (this.#client.destroyed && this.#upstream?.destroyed === true) this.#onEnd()
    })
  }
}

/** Whether both directions came to their end, so that nothing that was sent is lost. */
function endedWhole(socket: Socket): boolean {
  return socket.readableEnded && socket.writableFinished
}
