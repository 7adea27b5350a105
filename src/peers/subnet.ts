import { isIPv4 } from 'node:net'
import type { Multiaddr } from '@multiformats/multiaddr'
import { isPublicAddress } from './ip-ranges.ts'
import { isLocalName } from './local-name.ts'

/**
 * The subnet of an address: what one owner gets cheaply many of. /24 of public IPv4 addresses, /48 of public IPv6 ones, the last two labels of names.
 *
 * Private networks have none: there everyone may be of one subnet, and nobody from outside can be.
 */
export function subnetOf(address: Multiaddr): string | undefined {
  const [host] = address.getComponents()
  if (host?.value === undefined) return undefined
  switch (host.name) {
    case 'ip4':
      return subnet4(host.value)
    case 'ip6':
      return subnet6(host.value)
    case 'dns':
    case 'dns4':
    case 'dns6':
      return domain(host.value)
    default:
      return undefined
  }
}

function subnet4(ip: string): string | undefined {
  return isPublicAddress(ip) ? `${ip.split('.').slice(0, 3).join('.')}.0/24` : undefined
}

function subnet6(ip: string): string | undefined {
  const groups = hextets(ip)
  const [first = 0, second = 0, third = 0] = groups
  // an IPv4 address in an IPv6 one is the IPv4 address: mapped, behind NAT64, or tunnelled by 6to4
  const prefix = groups.slice(0, 6).join()
  if (prefix === '0,0,0,0,0,65535' || prefix === '100,65435,0,0,0,0') return subnet4(embedded(groups.slice(6)))
  if (first === 0x2002) return subnet4(embedded([second, third]))
  const isGlobal = (first & 0xe000) === 0x2000
  return isGlobal ? `${[first, second, third].map((group) => group.toString(16)).join(':')}::/48` : undefined
}

/** The eight numbers of an IPv6 address; none when it is not one. */
function hextets(ip: string): number[] {
  const canonical = URL.parse(`http://[${ip}]`)?.hostname.slice(1, -1)
  if (canonical === undefined) return []
  const [head = [], tail] = canonical.split('::').map((part) => part.split(':').filter(Boolean))
  const zeros = tail === undefined ? [] : Array<string>(8 - head.length - tail.length).fill('0')
  return [...head, ...zeros, ...(tail ?? [])].map((group) => Number.parseInt(group, 16))
}

function embedded([high = 0, low = 0]: readonly number[]): string {
  return [high >> 8, high & 255, low >> 8, low & 255].join('.')
}

function domain(name: string): string | undefined {
  const labels = name.toLowerCase().split('.').filter(Boolean)
  if (isIPv4(labels.join('.'))) return subnet4(labels.join('.'))
  // one label alone is a name of the local network too
  return labels.length < 2 || isLocalName(name) ? undefined : labels.slice(-2).join('.')
}
