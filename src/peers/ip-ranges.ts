import { BlockList, isIPv6 } from 'node:net'

type Range = readonly [network: string, prefix: number]

function list(family: 'ipv4' | 'ipv6', ranges: readonly Range[]): BlockList {
  const result = new BlockList()
  for (const [network, prefix] of ranges) result.addSubnet(network, prefix, family)
  return result
}

/** Addresses that name no host anywhere: unspecified, multicast, reserved and broadcast (IANA's special-purpose registries). */
const nowhere4 = list('ipv4', [
  ['0.0.0.0', 8],
  ['224.0.0.0', 4],
  ['240.0.0.0', 4]
])
const nowhere6 = list('ipv6', [
  ['::', 128],
  ['ff00::', 8]
])

/** Addresses that mean another host, or none, to everyone else (the same registries). */
const private4 = list('ipv4', [
  ['10.0.0.0', 8],
  ['100.64.0.0', 10],
  ['127.0.0.0', 8],
  ['169.254.0.0', 16],
  ['172.16.0.0', 12],
  ['192.0.0.0', 24],
  ['192.0.2.0', 24],
  ['192.88.99.0', 24],
  ['192.168.0.0', 16],
  ['198.18.0.0', 15],
  ['198.51.100.0', 24],
  ['203.0.113.0', 24]
])

/** The only IPv6 block given to hosts, and what in it is documentation, or embeds an IPv4 address that would escape the rules above. */
const global6 = list('ipv6', [['2000::', 3]])
const special6 = list('ipv6', [
  ['2001::', 23],
  ['2001:db8::', 32],
  ['2002::', 16],
  ['3fff::', 20]
])

/** Whether an IP address may name a host at all. */
export function isHostAddress(ip: string): boolean {
  return isIPv6(ip) ? !nowhere6.check(ip, 'ipv6') : !nowhere4.check(ip, 'ipv4')
}

/** Whether an IP address means the same host to everyone: not loopback, private, link-local, documentation or the like. */
export function isPublicAddress(ip: string): boolean {
  if (isIPv6(ip)) return global6.check(ip, 'ipv6') && !special6.check(ip, 'ipv6')
  return !nowhere4.check(ip, 'ipv4') && !private4.check(ip, 'ipv4')
}
