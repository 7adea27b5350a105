import type { PeerAddresses } from '../peers/index.ts'

/** The hosts of peers that the operator or the chain has named, for as long as the node lives. */
export class TrustedHosts {
  readonly #hosts = new Set<string>()

  add(peers: Iterable<PeerAddresses>): void {
    for (const { addresses } of peers) {
      for (const address of addresses) {
        const [host] = address.getComponents()
        if (host?.value !== undefined) this.#hosts.add(host.value.toLowerCase())
      }
    }
  }

  has(host: string): boolean {
    return this.#hosts.has(host.toLowerCase())
  }
}
