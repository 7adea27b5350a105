/** Whether a host name stands, by convention, for the machine itself or something in its local network. */
export function isLocalName(name: string): boolean {
  return /(^|\.)(localhost|local|internal|home\.arpa)\.?$/i.test(name)
}
