/** A stream that is served. */
export interface Session {
  /** Whether a request on it is being answered. */
  readonly isAnswering: boolean
  /** Resets the stream. */
  abort(): void
}

export interface SessionTableInit {
  /** Most streams of one peer, over all protocols and connections. */
  readonly maxPerPeer: number
  /** Most streams in all. */
  readonly max: number
}

/** The streams being served, by peer. When there are too many, it is the peer with the most that loses one. */
export class SessionTable {
  readonly #init: SessionTableInit
  /** In the order of their opening. */
  readonly #byPeer = new Map<string, Set<Session>>()
  #size = 0

  constructor(init: SessionTableInit) {
    this.#init = init
  }

  get size(): number {
    return this.#size
  }

  /** Takes a stream in. Returns false where its peer has too many. Where all together are too many, another is aborted for it. */
  add(peer: string, session: Session): boolean {
    const own = this.#byPeer.get(peer)
    if (own !== undefined && own.size >= this.#init.maxPerPeer) return false
    if (this.#size >= this.#init.max && !this.#shedFor(own?.size ?? 0)) return false
    if (own === undefined) this.#byPeer.set(peer, new Set([session]))
    else own.add(session)
    this.#size += 1
    return true
  }

  /** Forgets a stream that is over. */
  remove(peer: string, session: Session): void {
    const own = this.#byPeer.get(peer)
    if (own?.delete(session) !== true) return
    this.#size -= 1
    if (own.size === 0) this.#byPeer.delete(peer)
  }

  all(): Session[] {
    return [...this.#byPeer.values()].flatMap((own) => [...own])
  }

  /** Makes room for a peer that has so many streams: none when nobody has more. */
  #shedFor(count: number): boolean {
    let richest: { readonly peer: string; readonly own: ReadonlySet<Session> } | undefined
    for (const [peer, own] of this.#byPeer) if (own.size > (richest?.own.size ?? count)) richest = { peer, own }
    if (richest === undefined) return false
    const { peer, own } = richest
    const [oldest] = own
    const shed = [...own].find(({ isAnswering }) => !isAnswering) ?? oldest
    if (shed === undefined) return false
    this.remove(peer, shed)
    shed.abort()
    return true
  }
}
