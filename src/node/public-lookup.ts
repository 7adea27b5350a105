import { lookup as systemLookup } from 'node:dns'
import type { LookupFunction } from 'node:net'
import { isPublicAddress } from '../peers/index.ts'

export interface PublicLookupInit {
  /** Whether somebody whom we trust has named a host: it may be anywhere. */
  readonly isTrusted: (host: string) => boolean
  /** @default the system's resolver */
  readonly lookup?: LookupFunction
}

/**
 * Looks up the hosts that are dialled, and gives only such IP addresses as mean the same host to everyone: a stranger's name may lead into our own network,
 * where its address itself would not be dialled. A name with no other addresses is not found, by the code `ENOTFOUND`.
 */
export function publicLookup({ isTrusted, lookup = systemLookup }: PublicLookupInit): LookupFunction {
  return (host, options, callback) => {
    if (isTrusted(host)) return lookup(host, options, callback)
    lookup(host, { ...options, all: true }, (error, found) => {
      const addresses = Array.isArray(found) ? found.filter(({ address }) => isPublicAddress(address)) : []
      const [first] = addresses
      if (error !== null) callback(error, [])
      else if (first === undefined) callback(notFound(host), [])
      else if (options.all === true) callback(null, addresses)
      else callback(null, first.address, first.family)
    })
  }
}

function notFound(host: string): NodeJS.ErrnoException {
  return Object.assign(new Error(`${host} has no public address`), { code: 'ENOTFOUND', syscall: 'getaddrinfo' })
}
