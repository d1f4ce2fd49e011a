import { orNull, type System } from '../system';

/** Whether this is a virtual machine: its processor says so. A container on bare metal is none. */
export async function virtualMachine(system: System): Promise<boolean> {
  const cpu = (await orNull(system.read('/proc/cpuinfo'))) ?? '';
  return /^flags\s*:.*\bhypervisor\b/m.test(cpu);
}
