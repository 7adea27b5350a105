import {
  type DelayingProxy,
  type LinkCondition,
  type Passage,
  startDelayingProxy,
  unusedPort
} from '../../src/testing/index.ts'

/** How a node is reached. */
interface Link {
  readonly proxy: DelayingProxy
  readonly ip: string
  readonly port: number
  slow: Omit<LinkCondition, 'passage'>
}

/** The links of a network: each node is reached by a proxy of its own, which knows by their addresses who dials. */
export class Links {
  readonly #links = new Map<string, Link>()
  readonly #nodeOf = new Map<string, string>()
  #apart: { readonly nodes: ReadonlySet<string>; readonly passage: Passage } | undefined

  static async open(nodes: readonly string[]): Promise<Links> {
    const links = new Links()
    for (const [index, node] of nodes.entries()) {
      const ip = `127.${100 + (process.pid % 100)}.${Math.floor(process.pid / 100) % 256}.${index + 10}` // apart from those of other runs
      const port = await unusedPort(ip)
      const proxy = await startDelayingProxy({ target: { host: ip, port } })
      links.#links.set(node, { proxy, ip, port, slow: {} })
      links.#nodeOf.set(ip, node)
    }
    return links
  }

  /** Where a node listens, and the multiaddr by which others reach it. */
  of(node: string): { readonly ip: string; readonly port: number; readonly announce: string } {
    const { ip, port, proxy } = this.#link(node)
    return { ip, port, announce: `/ip4/127.0.0.1/tcp/${proxy.address.port}` }
  }

  /** Lets these nodes and all others not reach each other until {@link join}. Liars, who belong nowhere, reach everyone. */
  part(nodes: readonly string[], passage: Passage): void {
    this.#apart = { nodes: new Set(nodes), passage }
    this.#apply()
  }

  join(): void {
    this.#apart = undefined
    this.#apply()
  }

  /** Slows the links by which a node is reached. */
  slow(node: string, slow: Omit<LinkCondition, 'passage'>): void {
    this.#link(node).slow = slow
    this.#apply()
  }

  tear(node: string, afterBytes: number): void {
    this.#link(node).proxy.tear(afterBytes)
  }

  async close(): Promise<void> {
    await Promise.all(Array.from(this.#links.values(), ({ proxy }) => proxy.stop()))
  }

  #apply(): void {
    for (const [node, { proxy, slow }] of this.#links) {
      const passage = (from: string) => this.#between(this.#nodeOf.get(from), node)
      proxy.change({ ...slow, passage })
    }
  }

  #between(from: string | undefined, to: string): Passage {
    if (from === undefined || this.#apart === undefined) return 'open'
    const { nodes, passage } = this.#apart
    return nodes.has(from) === nodes.has(to) ? 'open' : passage
  }

  #link(node: string): Link {
    const link = this.#links.get(node)
    if (link === undefined) throw new RangeError(`no node ${node}`)
    return link
  }
}

/** A node keeps its port over its lives, so it must be known before the first. */
