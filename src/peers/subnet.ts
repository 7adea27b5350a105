import { isIPv4 } from 'node:net'
import type { Multiaddr } from '@multiformats/multiaddr'
import { isPublicAddress } from './ip-ranges.ts'

/** An IPv4 address within an IPv6 one, as URL parsers write it. */
const MAPPED = /^\[::ffff:([0-9a-f]{1,4}):([0-9a-f]{1,4})\]$/

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
  const groups = canonical6(ip)
  if (groups === undefined) return undefined
  const mapped = MAPPED.exec(groups)
  if (mapped?.[1] !== undefined && mapped[2] !== undefined) {
    const [high, low] = [Number.parseInt(mapped[1], 16), Number.parseInt(mapped[2], 16)]
    return subnet4([high >> 8, high & 255, low >> 8, low & 255].join('.'))
  }
  if (!isPublicAddress(ip)) return undefined
  const [head = '', tail] = groups.slice(1, -1).split('::')
  const first = head.split(':')
  const last = tail === undefined || tail === '' ? [] : tail.split(':')
  const all = tail === undefined ? first : [...first, ...Array(8 - first.length - last.length).fill('0'), ...last]
  return `${all.slice(0, 3).join(':')}::/48`
}

/** The address in its one canonical form, in brackets. */
function canonical6(ip: string): string | undefined {
  return URL.parse(`http://[${ip}]`)?.hostname
}

function domain(name: string): string | undefined {
  const labels = name.toLowerCase().split('.').filter(Boolean)
  if (isIPv4(labels.join('.'))) return subnet4(labels.join('.'))
  return labels.length === 0 ? undefined : labels.slice(-2).join('.')
}
