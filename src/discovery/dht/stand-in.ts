/**
 * A part of libp2p of which only some members are given. Asking for another is an error of ours, noticed at once: a newer kad-dht that needs more must
 * not reach around what guards it.
 */
export function standIn<T extends object>(name: string, members: Partial<T>): T {
  return new Proxy(members as T, {
    get(target, key) {
      if (typeof key === 'string' && !(key in target)) throw new TypeError(`${name}.${key} is not given to the DHT`)
      return Reflect.get(target, key)
    }
  })
}
