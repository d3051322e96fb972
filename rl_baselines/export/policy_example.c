/* Drives a policy from recorded observations: cc -O2 policy_example.c -lm -o policy_example && ./policy_example < seen.txt
 *
 * Each line of the input holds the numbers of one observation, each line of the output those of the actions. */
#include <stdio.h>

#include "policy.h"

int main(void)
{
    policy_observation_t observation[POLICY_OBSERVATION];
    int count = 0;
    double number;
    while (scanf("%lf", &number) == 1) {
        observation[count++] = (policy_observation_t)number;
        if (count < POLICY_OBSERVATION) continue;
        count = 0;
        policy_actions_t actions[POLICY_ACTIONS];
        policy_act(observation, actions);
        for (int i = 0; i < POLICY_ACTIONS; i++) printf(i ? " %.9g" : "%.9g", (double)actions[i]);
        printf("\n");
    }
    return count ? 1 : 0;
}
