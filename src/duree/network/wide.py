"""The wide part: a linear score on which words and pairs of words a sequence holds.

Weights are learned beside nothing else, on the training rows, as in NB-SVM (Wang & Manning 2012)
with a logistic loss: presence of a unit or pair, scaled by its log-count ratio. Joined to the
network's scores with one weight, found on the validation rows, it gives what Cheng et al. (2016)
call a wide and deep model. Pairs share 2**20 places by hashing (Weinberger et al. 2009).
"""
