/** The sampler that this browser is paired with, as threads are told of it. */
export { keepSampler, pairedSampler } from '../../store/sampler';
