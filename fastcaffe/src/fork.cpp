// A process may fork. libgomp's threads do not come along, but the child's libgomp would wait for them for ever: so the
// thread that forks ends its threads before. Parent and child start new ones at their next pass.

#include <omp.h>
#include <pthread.h>

namespace {

void end_threads() { omp_pause_resource(omp_pause_soft, omp_get_initial_device()); }

const int kAtFork = pthread_atfork(end_threads, nullptr, nullptr);

}  // namespace
